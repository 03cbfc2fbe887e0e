// Capacity: when most was asked for, and how much; what limits leave.
import { get } from '../api';
import { card, type Card } from '../card';
import { el, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { View } from '../page';
import { setState } from '../state';
import { stat, stats } from '../stat';
import { meter, table } from '../table';
import { segmented } from '../tabs';
import type { Capacity, Peak } from './costs_data';

const PATH = '/api/v2/usage/capacity';
const FRAMES = [
    { id: '24h', label: '24 hours' },
    { id: '7d', label: '7 days' },
    { id: '30d', label: '30 days' },
    { id: '90d', label: '90 days' },
];

export class CapacityCard {
    readonly card: Card = card('Capacity', {
        wide: true,
        height: 260,
        info: 'How many requests there were at most in a minute, an hour and a day. Minutes are kept for 48 hours.',
    });
    private readonly frame: string;

    constructor(private readonly view: View) {
        const asked = view.state.params.get('peaks') ?? '';
        this.frame = FRAMES.some(({ id }) => id === asked) ? asked : '7d';
        this.card.setTotal(segmented('Capacity of', FRAMES, this.frame, (id) => setState({ params: { peaks: id } })));
    }

    private query(): Record<string, string | null> {
        const { state } = this.view;
        const [organization, ...client] = (state.params.get('account') ?? '').split('/');
        return {
            timeframe: this.frame,
            organization: organization || state.organization,
            clientId: client.join('/') || null,
            timeZone: state.zone,
        };
    }

    async load(): Promise<void> {
        const { signal } = this.view;
        await this.card.load(
            signal,
            () => get<Capacity>(PATH, this.query(), signal),
            (data, body) => {
                this.card.setSubtitle(format.timeRange(data.window.from, data.window.to, this.view.state.zone));
                replace(body, this.peaks(data), el('div', { class: 'grid even peaks' }, this.hours(data), this.limits(data)));
            },
            (data) => data.totalRequests === 0,
        );
    }

    private peaks(data: Capacity): HTMLElement {
        const { zone } = this.view.state;
        const one = (label: string, peak: Peak | null, average: number, ratio: number | null): ReturnType<typeof stat> => {
            const made = stat(label);
            const at = peak?.at ? format.time(peak.at, zone) : null;
            const times = ratio ? `${format.decimal(ratio)} times the average of ${format.decimal(average)}` : null;
            made.set(format.count(peak?.value), { note: at, title: times ?? undefined });
            return made;
        };
        const { average, peakToAverage } = data;
        return stats(
            one('Most in a minute', data.peakRequestsPerMinute, average.requestsPerMinute, peakToAverage.minute),
            one('Most in an hour', data.peakRequestsPerHour, average.requestsPerHour, peakToAverage.hour),
            one('Most in a day', data.peakRequestsPerDay, average.requestsPerDay, peakToAverage.day),
            one('Average hour', { value: Math.round(average.requestsPerHour), at: null }, 0, null),
        );
    }

    private hours({ busiestHours }: Capacity): Child {
        const { zone } = this.view.state;
        const most = busiestHours[0]?.requests ?? 0;
        return table(
            'Busiest hours',
            [
                { key: 'at', label: 'Busiest hours', cell: (row) => format.time(row.at, zone) },
                {
                    key: 'requests',
                    label: 'Requests',
                    align: 'right',
                    cell: (row) => meter(row.requests, most, format.count(row.requests)),
                },
            ],
            busiestHours.slice(0, 6),
        );
    }

    private limits({ limits }: Capacity): Child {
        if (!limits.length) {
            return el('p', { class: 'empty-line' }, 'Choose the account of a client to see what its limits left.');
        }
        return table(
            'Limits',
            [
                { key: 'limit', label: 'Limit', cell: (row) => `${format.count(row.limit)} a ${row.period}` },
                {
                    key: 'peak',
                    label: 'At most',
                    align: 'right',
                    cell: (row) => meter(row.peak, row.limit, format.count(row.peak), row.headroom < 0 ? '--bad' : '--accent'),
                },
                { key: 'left', label: 'Left', align: 'right', cell: (row) => format.count(row.headroom) },
            ],
            limits,
        );
    }

    files(): ExportFile[] {
        const query = this.query();
        return [
            rowsFile('busiest-hours', 'Busiest hours', async () => {
                const { busiestHours } = await get<Capacity>(PATH, query);
                return { columns: ['at', 'requests'], rows: busiestHours.map((row) => [row.at, row.requests]) };
            }),
        ];
    }
}
