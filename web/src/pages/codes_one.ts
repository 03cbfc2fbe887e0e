// One response code over time, on the page of all.
import { get } from '../api';
import { card } from '../card';
import { barChart } from '../chart';
import { el, keep } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { iconButton } from '../icon';
import type { View } from '../page';
import { setState } from '../state';
import { statsPath } from '../stats';
import { codeMeaning, statusOf } from '../statuses';
import { axis, seriesPoints, seriesQuery, type SeriesPoint, type StatsSeries } from './series';

interface Details {
    root: HTMLElement;
    load(): Promise<void>;
    files(): ExportFile[];
}

function compared({ total, previous_total: before, change }: StatsSeries): string {
    return before ? `${format.count(total)} (${format.change(change)})` : format.count(total);
}

export function codeDetails(view: View, code: string): Details {
    const { signal, state } = view;
    const title = `${code} ${codeMeaning(code)}`;
    const chart = barChart(`Requests answered with ${code}`, { height: 220 });
    const time = card(title, { wide: true, height: 240 });
    const status = statusOf(code);
    let shown: { points: SeriesPoint[]; values: number[] } | null = null;
    time.setChart(chart);
    chart.onPick((i) => {
        const range = shown?.points[i]?.range;
        if (range && (range.from !== state.range.from || range.to !== state.range.to)) {
            setState({ range });
        }
    });
    const close = iconButton(`Close ${code}`, 'close', () => setState({ params: { code: null } }), { title: 'Close' });
    const show = (series: StatsSeries, body: HTMLElement): void => {
        const points = seriesPoints(series, state.zone);
        shown = { points, values: series.values };
        time.setTotal(el('div', { class: 'row' }, compared(series), close));
        time.setSubtitle(`${status.name} · ${format.count(series.previous_total ?? 0)} in as many days before`);
        keep(body, chart.root);
        chart.update({
            ...axis(points),
            series: [
                {
                    name: title,
                    color: status.color,
                    values: series.values,
                    provisional: points.map((point) => point.provisional),
                },
            ],
        });
    };
    const query = { ...seriesQuery(state), response_code: code, skip_change: false };
    const path = statsPath(view, 'usage_response_code', state.params.get('client'));
    return {
        root: time.root,
        load: () => time.load(signal, () => get<StatsSeries>(path, query, signal), show),
        files: () => [
            rowsFile(`code-${code}`, `${title} over time`, () => ({
                columns: ['time', 'code', 'requests', 'provisional'],
                rows: (shown?.points ?? []).map((point, i) => [point.stamp, Number(code), shown?.values[i], point.provisional]),
            })),
        ],
    };
}
