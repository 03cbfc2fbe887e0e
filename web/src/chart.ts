// The charts: bars (stacked or beside each other), lines, rings. ECharts draws the marks; what is read as text is ours and in the
// document: the legend (buttons that hide a series), the tooltip, and the numbers as a table for screen readers. A chart has the
// keyboard's focus: arrows move over its points, Enter does what a click does.
import type { EChartsType } from './echarts';
import { init } from './echarts';
import { drawPng } from './chart_png';
import { chartOption, type Shape } from './chart_option';
import { numbersTable } from './chart_table';
import { placeTip, tipContent } from './chart_tip';
import { el, replace, uniqueId } from './dom';
import { shorten } from './format';
import { color, onTheme, seriesColor } from './theme';

const LEGEND_MAX = 40; // characters of a name

export interface Series {
    name: string;
    color?: string; // a token (--status-200) or a colour; without: by rank
    values: (number | null)[];
    stack?: string; // in a stacked chart: the name of its stack; without, all are one
    kind?: 'bar' | 'line';
    dashed?: boolean; // something to compare with, as the period before
    provisional?: boolean[]; // by point: can still change; drawn fainter
    hint?: string; // what the legend says on hover
}

export interface ChartData {
    labels: string[];
    titles?: string[]; // of the tooltip, one for each label: date in the chosen zone
    series: Series[];
    unit?: (n: number) => string;
    total?: (i: number) => string; // a last line of the tooltip
    colors?: string[]; // by point, where there is one series
    details?: (i: number) => [string, string][]; // further lines of the tooltip
    hints?: string[]; // of a ring, by label: what the legend says on hover
}

export interface Chart {
    root: HTMLElement;
    update(data: ChartData): void;
    onPick(f: (point: number, series: number) => void): void; // series: its index in the data, -1 beside the bars
    png(title?: string, subtitle?: string): Promise<Blob>;
    showTable(shown: boolean): void;
    setHeight(px: number): void; // of what is drawn, where it depends on how many bars there are
}

interface LegendEntry {
    name: string;
    color: string;
    dashed?: boolean;
    hint?: string;
}

const EMPTY: ChartData = { labels: [], series: [] };

class ChartView implements Chart {
    readonly root: HTMLElement;
    private readonly canvas: HTMLElement;
    private readonly legend = el('ul', { class: 'chart-legend' });
    private readonly tip = el('div', { class: 'chart-tip', role: 'status', hidden: true });
    private readonly numbers = el('div', { class: 'visually-hidden' });
    private readonly hidden = new Set<string>();
    private readonly help = uniqueId('chart');
    private drawn: EChartsType | null = null;
    private data = EMPTY;
    private point = -1;
    private picked = -1; // the series of the mark that is clicked, in this click
    private pick: ((point: number, series: number) => void) | null = null;
    private stopTheme: (() => void) | null = null;

    constructor(
        private readonly label: string,
        private readonly shape: Shape,
    ) {
        this.canvas = el('div', {
            class: 'chart-canvas',
            role: 'img',
            tabindex: 0,
            'aria-label': label,
            'aria-describedby': this.help,
            style: { height: `${shape.height}px` },
            onkeydown: (event: KeyboardEvent) => this.key(event),
            onblur: () => this.hideTip(),
        });
        this.root = el(
            'figure',
            { class: ['chart', `chart-${shape.kind}`] },
            this.legend,
            this.canvas,
            this.tip,
            this.numbers,
            el('p', { class: 'visually-hidden', id: this.help }, 'Arrow keys move over the points. The numbers follow as a table.'),
        );
        new ResizeObserver(() => this.fit()).observe(this.canvas);
    }

    update(data: ChartData): void {
        this.data = data;
        this.draw();
        this.drawLegend();
        replace(this.numbers, numbersTable(this.label, data));
        if (this.point >= 0) {
            this.showPoint(Math.min(this.point, data.labels.length - 1));
        }
    }

    onPick(f: (point: number, series: number) => void): void {
        this.pick = f;
        this.root.classList.add('can-pick');
    }

    png(title: string = this.label, subtitle = ''): Promise<Blob> {
        if (!this.drawn) {
            return Promise.reject(new Error('The chart is not on screen.'));
        }
        const entries = this.legendEntries().filter((entry) => !this.hidden.has(entry.name));
        return drawPng(title, subtitle, this.drawn.getDataURL({ pixelRatio: 2, backgroundColor: color('--surface') }), entries);
    }

    showTable(shown: boolean): void {
        this.numbers.className = shown ? 'chart-numbers' : 'visually-hidden';
        for (const [name, value] of Object.entries({ tabindex: '0', role: 'group', 'aria-label': `${this.label}, numbers` })) {
            if (shown) {
                this.numbers.setAttribute(name, value);
            } else {
                this.numbers.removeAttribute(name);
            }
        }
    }

    setHeight(px: number): void {
        this.canvas.style.height = `${px}px`; // the observer draws it anew
    }

    // Drawn when it has a size, given up when it has left the document.
    private fit(): void {
        const { clientWidth: width, clientHeight: height } = this.canvas;
        if (width > 0 && height > 0) {
            if (this.drawn) {
                this.drawn.resize({ width, height });
            } else {
                this.start(width, height);
            }
            this.draw();
        } else if (!this.canvas.isConnected && this.drawn) {
            this.drawn.dispose();
            this.drawn = null;
            this.stopTheme?.();
        }
    }

    private start(width: number, height: number): void {
        const drawn = init(this.canvas, null, { renderer: 'canvas', width, height });
        this.drawn = drawn;
        this.stopTheme = onTheme(() => this.update(this.data));
        drawn.on('click', (event) => {
            this.picked = Math.max(
                0,
                this.data.series.findIndex((series) => series.name === event.seriesName),
            );
        });
        const zr = drawn.getZr();
        zr.on('mousemove', (event) => this.hover(event.offsetX, event.offsetY));
        zr.on('globalout', () => this.hideTip());
        zr.on('click', (event) => {
            const point = this.pointAt(event.offsetX, event.offsetY);
            // After the handler above, which knows the series.
            queueMicrotask(() => {
                this.doPick(point, this.picked);
                this.picked = -1;
            });
        });
        if (this.shape.kind === 'donut') {
            drawn.on('mouseover', (event) => this.showTip(event.dataIndex, width / 2, 0));
            drawn.on('mouseout', () => this.hideTip());
        }
    }

    private shown(): Series[] {
        return this.data.series.filter((series) => !this.hidden.has(series.name));
    }

    private draw(): void {
        if (this.drawn) {
            const colors = new Map(this.data.series.map((series, i) => [series.name, color(series.color ?? seriesColor(i))]));
            const data = this.shape.kind === 'donut' ? this.data : { ...this.data, series: this.shown() };
            const option = chartOption(this.shape, data, {
                colors,
                hidden: this.hidden,
                width: this.canvas.clientWidth,
                canPick: !!this.pick,
            });
            this.drawn.setOption(option, { replaceMerge: ['series', 'xAxis', 'yAxis'] });
        }
    }

    private legendEntries(): LegendEntry[] {
        if (this.shape.kind === 'donut') {
            return this.data.labels.map((name, i) => ({
                name,
                color: this.data.colors?.[i] ?? seriesColor(i),
                hint: this.data.hints?.[i],
            }));
        }
        return this.data.series.map((each, i) => ({
            name: each.name,
            color: each.color ?? seriesColor(i),
            dashed: each.dashed,
            hint: each.hint,
        }));
    }

    private drawLegend(): void {
        const entries = this.legendEntries();
        const open = this.data.series.some((series) => series.provisional?.some(Boolean));
        this.legend.hidden = entries.length < 2 && this.shape.kind !== 'donut' && !open;
        replace(
            this.legend,
            this.legend.hidden ? null : entries.map((entry, i) => el('li', {}, this.legendKey(entry, i))),
            open
                ? el('li', { class: 'chart-open', title: 'These numbers can still change.' }, provisionalMark(), 'Provisional')
                : null,
        );
    }

    private legendKey(entry: LegendEntry, i: number): HTMLElement {
        const attributes = {
            type: 'button',
            class: 'chart-key',
            'aria-pressed': !this.hidden.has(entry.name),
            title: entry.hint ?? (entry.name.length > LEGEND_MAX ? entry.name : null),
            onclick: () => this.toggle(entry.name),
        };
        const swatch = el('span', { class: ['swatch', entry.dashed && 'dashed'], style: { '--swatch': color(entry.color) } });
        const share = this.shape.kind === 'donut' ? this.share(i) : null;
        return el('button', attributes, swatch, shorten(entry.name, LEGEND_MAX), share);
    }

    private share(i: number): HTMLElement {
        const values = this.data.series[0]?.values ?? [];
        return el('span', { class: 'chart-key-value' }, (this.data.unit ?? String)(values[i] ?? 0));
    }

    private toggle(name: string): void {
        if (!this.hidden.delete(name)) {
            this.hidden.add(name);
        }
        this.draw();
        this.drawLegend();
    }

    // ---- the pointer and the keyboard ----

    private pointAt(x: number, y: number): number {
        if (!this.drawn || this.shape.kind === 'donut' || !this.drawn.containPixel({ gridIndex: 0 }, [x, y])) {
            return this.shape.kind === 'donut' ? this.point : -1;
        }
        const at = this.drawn.convertFromPixel({ gridIndex: 0 }, [x, y])[this.shape.horizontal ? 1 : 0] ?? -1;
        return at > -0.5 && at < this.data.labels.length ? Math.max(0, Math.round(at)) : -1;
    }

    private hover(x: number, y: number): void {
        if (this.shape.kind === 'donut') {
            return;
        }
        const point = this.pointAt(x, y);
        if (point < 0) {
            this.hideTip();
        } else {
            this.showTip(point, x, y);
        }
        this.drawn?.getZr().setCursorStyle(this.pick && point >= 0 ? 'pointer' : 'default');
    }

    private showTip(point: number, x: number, y: number): void {
        if (point !== this.point || this.tip.hidden) {
            this.point = point;
            replace(
                this.tip,
                tipContent(this.data, point, { hidden: this.hidden, kind: this.shape.kind, stacked: this.shape.stacked }),
            );
            this.tip.hidden = false;
        }
        placeTip(this.tip, this.canvas, x, y);
    }

    private hideTip(): void {
        this.point = -1;
        this.tip.hidden = true;
        this.drawn?.dispatchAction({ type: 'hideTip' });
        this.drawn?.dispatchAction({ type: 'downplay' });
    }

    private showPoint(point: number): void {
        if (!this.drawn || point < 0) {
            return;
        }
        if (this.shape.kind === 'donut') {
            this.drawn.dispatchAction({ type: 'downplay' });
            this.drawn.dispatchAction({ type: 'highlight', seriesIndex: 0, dataIndex: point });
            this.showTip(point, this.canvas.clientWidth / 2, 0);
            return;
        }
        const [x, y] = this.drawn.convertToPixel({ gridIndex: 0 }, this.shape.horizontal ? [0, point] : [point, 0]) as [
            number,
            number,
        ];
        this.drawn.dispatchAction({ type: 'showTip', x, y: this.shape.horizontal ? y : y - 4 });
        this.point = -1;
        this.showTip(point, x, this.shape.horizontal ? y : 12);
    }

    private key(event: KeyboardEvent): void {
        const last = this.data.labels.length - 1;
        const moves: Record<string, number> = {
            ArrowRight: this.point + 1,
            ArrowDown: this.point + 1,
            ArrowLeft: this.point - 1,
            ArrowUp: this.point - 1,
            Home: 0,
            End: last,
        };
        const to = moves[event.key];
        if (to !== undefined && last >= 0) {
            event.preventDefault();
            this.showPoint(Math.max(0, Math.min(to, last)));
        } else if (event.key === 'Enter' && this.point >= 0) {
            event.preventDefault();
            this.doPick(this.point, -1);
        } else if (event.key === 'Escape') {
            this.hideTip();
        }
    }

    private doPick(point: number, series: number): void {
        if (point < 0 || point >= this.data.labels.length || !this.pick) {
            return;
        }
        this.pick(point, series);
    }
}

function provisionalMark(): HTMLElement {
    return el('span', { class: 'swatch open', style: { '--swatch': color('--text-muted') } });
}

export function barChart(label: string, options: { horizontal?: boolean; height?: number; stacked?: boolean } = {}): Chart {
    return new ChartView(label, {
        kind: 'bar',
        height: options.height ?? 260,
        horizontal: options.horizontal,
        stacked: options.stacked ?? true,
    });
}

export function lineChart(label: string, options: { height?: number; area?: boolean } = {}): Chart {
    return new ChartView(label, { kind: 'line', height: options.height ?? 260, area: options.area });
}

export function donutChart(label: string): Chart {
    return new ChartView(label, { kind: 'donut', height: 200 });
}
