// From our data to ECharts' options. Everything has an id, by which it moves to its new values when it is drawn again, and is not
// drawn from nothing. Series that are partly provisional: bars are fainter there, lines go on dashed.
import type { ChartData, Series } from './chart';
import { compact, shorten } from './format';
import { color, seriesColor } from './theme';

type Drawn = Record<string, unknown> & { name: string };

export interface Shape {
    kind: 'bar' | 'line' | 'donut';
    height: number;
    horizontal?: boolean;
    stacked?: boolean;
    area?: boolean;
}

interface Surroundings {
    colors: Map<string, string>; // of each series
    hidden: Set<string>;
    width: number;
    canPick: boolean;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const FAINT = 0.45;
const LABEL_MAX_PX = 160;
const LABEL_CHARACTER_PX = 7; // on average

function reducedMotion(): boolean {
    return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function text(): object {
    return { color: color('--text-muted'), fontFamily: FONT, fontSize: 12 };
}

function categoryAxis(shape: Shape, data: ChartData, width: number): object {
    const axis = {
        id: 'category',
        type: 'category',
        data: data.labels,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: color('--line-strong') } },
        boundaryGap: shape.kind === 'bar' || data.series.some((series) => series.kind === 'bar'),
        axisLabel: { ...text(), hideOverlap: true, margin: 10 },
    };
    if (!shape.horizontal) {
        return axis;
    }
    const room = Math.min(LABEL_MAX_PX, Math.round(width * 0.4));
    return {
        ...axis,
        inverse: true,
        axisLine: { show: false },
        axisLabel: {
            ...axis.axisLabel,
            width: room,
            overflow: 'truncate',
            interval: 0,
            formatter: (name: string) => shorten(name, Math.floor(room / LABEL_CHARACTER_PX)),
        },
    };
}

function valueAxis(shape: Shape, data: ChartData): object {
    return {
        id: 'value',
        type: 'value',
        min: 0,
        splitNumber: shape.horizontal ? 3 : 4, // side by side there is less room for labels
        minInterval: data.unit ? undefined : 1,
        axisLabel: { ...text(), hideOverlap: true, formatter: (n: number) => (data.unit && n > 0 ? data.unit(n) : compact(n)) },
        splitLine: { lineStyle: { color: color('--line') } },
    };
}

function bars(shape: Shape, series: Series, fill: string, data: ChartData, env: Surroundings): Drawn {
    return {
        type: 'bar',
        name: series.name,
        stack: series.stack ?? (shape.stacked ? 'all' : undefined),
        barMaxWidth: shape.horizontal ? 18 : 44,
        barCategoryGap: '28%',
        cursor: env.canPick ? 'pointer' : 'default',
        itemStyle: series.dashed
            ? { color: 'transparent', borderColor: fill, borderType: 'dashed', borderWidth: 1.5 }
            : { color: fill, borderRadius: 1 },
        emphasis: { disabled: true },
        data: series.values.map((value, i) => ({
            value: value ?? '-',
            itemStyle: {
                opacity: series.provisional?.[i] ? FAINT : 1,
                ...(data.colors?.[i] ? { color: color(data.colors[i]) } : {}),
            },
        })),
    };
}

function line(shape: Shape, series: Series, stroke: string, values: (number | null)[], dashed: boolean): Drawn {
    // A point without neighbours is no line: it is drawn as a point.
    const isLone = (i: number): boolean => (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    return {
        type: 'line',
        name: series.name,
        data: values.map((value, i) => ({ value: value ?? '-', symbol: isLone(i) ? 'circle' : 'none' })),
        symbolSize: 6,
        showAllSymbol: true,
        connectNulls: false,
        lineStyle: { color: stroke, width: 2, type: dashed ? [4, 4] : 'solid' },
        itemStyle: { color: stroke },
        emphasis: { disabled: true },
        cursor: 'default',
        areaStyle: shape.area && !dashed ? { color: stroke, opacity: 0.12 } : undefined,
        silent: true,
    };
}

// A line that ends in points that can still change is two: the second begins where the first ends.
function lines(shape: Shape, series: Series, stroke: string): Drawn[] {
    const open = series.provisional;
    if (!open?.some(Boolean)) {
        return [line(shape, series, stroke, series.values, series.dashed ?? false)];
    }
    const sure = series.values.map((value, i) => (open[i] ? null : value));
    const rest = series.values.map((value, i) => (open[i] || open[i + 1] ? value : null));
    return [line(shape, series, stroke, sure, series.dashed ?? false), line(shape, series, stroke, rest, true)];
}

function donut(data: ChartData, env: Surroundings): Record<string, unknown> {
    const values = data.series[0]?.values ?? [];
    return {
        animation: !reducedMotion(),
        animationDuration: 300,
        series: [
            {
                id: 'ring',
                type: 'pie',
                radius: ['62%', '92%'],
                center: ['50%', '50%'],
                label: { show: false },
                labelLine: { show: false },
                minAngle: 2,
                itemStyle: { borderColor: color('--surface'), borderWidth: 2 },
                emphasis: { scaleSize: 4 },
                cursor: env.canPick ? 'pointer' : 'default',
                data: data.labels.map((name, i) => ({
                    name,
                    value: env.hidden.has(name) ? 0 : (values[i] ?? 0),
                    itemStyle: { color: color(data.colors?.[i] ?? seriesColor(i)) },
                })),
            },
        ],
    };
}

export function chartOption(shape: Shape, data: ChartData, env: Surroundings): Record<string, unknown> {
    if (shape.kind === 'donut') {
        return donut(data, env);
    }
    const category = categoryAxis(shape, data, env.width);
    const value = valueAxis(shape, data);
    const drawn = data.series.flatMap((each): Drawn[] => {
        const own = env.colors.get(each.name) ?? color('--accent');
        return (each.kind ?? shape.kind) === 'bar' ? [bars(shape, each, own, data, env)] : lines(shape, each, own);
    });
    const series = drawn.map((each, i) => ({
        ...each,
        id: `${each.name} ${drawn.slice(0, i).filter(({ name }) => name === each.name).length}`,
    }));
    const pointer =
        shape.kind === 'bar'
            ? { type: 'shadow', shadowStyle: { color: color('--hover-band') } }
            : { type: 'line', lineStyle: { color: color('--line-strong'), type: 'solid' } };
    return {
        animation: !reducedMotion(),
        animationDuration: 250,
        animationDurationUpdate: 250,
        useUTC: true,
        grid: { left: 4, right: 12, top: 10, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
        tooltip: {
            show: true,
            showContent: false,
            trigger: 'axis',
            renderMode: 'html', // its element stays empty: the tooltip is ours (chart_tip.ts)
            axisPointer: { ...pointer, animation: false },
        },
        xAxis: shape.horizontal ? value : category,
        yAxis: shape.horizontal ? category : value,
        series,
    };
}
