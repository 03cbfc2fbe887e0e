// The charts of the report: what each shows of an answer.
import { barChart, donutChart, type Chart, type ChartData, type Series } from '../chart';
import { card, type Card } from '../card';
import * as format from '../format';
import { statusParts, type Status } from '../statuses';
import type { Counts, Report, ReportClient, ReportDay, ReportUrl } from './report_data';

const URLS_SHOWN = 5; // of a client's, as parts of its bar
const ROW_PX = 34;
const AXIS_PX = 44;
const ROWS_MIN = 3;

export interface ChartCard {
    card: Card;
    chart: Chart;
}

export function chartCard(title: string, chart: Chart, info: string, height: number): ChartCard {
    const made = card(title, { info, height });
    made.setChart(chart);
    return { card: made, chart };
}

function heightOf(rows: number): number {
    return Math.max(ROWS_MIN, rows) * ROW_PX + AXIS_PX;
}

export function bars(title: string, rows: number): Chart {
    return barChart(title, { horizontal: true, height: heightOf(rows) });
}

export function ring(title: string): Chart {
    return donutChart(title);
}

// A series for each status that occurs, in their fixed order and colours; what it means is said on hover.
function statusSeries(rows: Counts[]): Series[] {
    const parts = rows.map((row) => statusParts(row));
    const statuses = new Map<string, Status>();
    parts.forEach((list) => list.forEach(({ status }) => statuses.set(status.key, status)));
    return [...statuses.values()].map((status) => ({
        name: status.name,
        color: status.color,
        hint: status.meaning,
        values: parts.map((list) => list.find((part) => part.status.key === status.key)?.value ?? 0),
    }));
}

function ofRequests(total: number): (row: Counts) => [string, string] {
    return (row) => ['Share of all requests', format.share(row.requests, total)];
}

export function clientName(client: ReportClient, all: ReportClient[]): string {
    const alike = all.some((other) => other !== client && other.clientName === client.clientName);
    return alike ? `${client.clientName} (${client.organizationId})` : client.clientName;
}

function clientTitle(client: ReportClient): string {
    const id = client.clientName === client.clientId ? '' : ` (${client.clientId})`;
    return `${client.clientName}${id}, ${client.organizationId}`;
}

function clientLabels(clients: ReportClient[]): Pick<ChartData, 'labels' | 'titles' | 'total'> {
    return {
        labels: clients.map((client) => clientName(client, clients)),
        titles: clients.map(clientTitle),
        total: (i) => format.count(clients[i]?.requests ?? 0),
    };
}

export function showClients(chart: Chart, clients: ReportClient[], total: number): void {
    const share = ofRequests(total);
    chart.setHeight(heightOf(clients.length));
    chart.update({
        ...clientLabels(clients),
        series: statusSeries(clients),
        details: (i) => [share(clients[i]!), ['URLs requested', format.count(clients[i]?.totalUrls)]],
    });
}

export function showUrls(chart: Chart, urls: ReportUrl[], total: number): void {
    const share = ofRequests(total);
    chart.setHeight(heightOf(urls.length));
    chart.update({
        labels: urls.map((url) => url.templateUri),
        series: statusSeries(urls),
        total: (i) => format.count(urls[i]?.requests ?? 0),
        details: (i) => [share(urls[i]!)],
    });
}

// Each client's bar, of the URLs that are requested most by all that are shown, and the rest.
export function showClientUrls(chart: Chart, { clients }: Report): void {
    const sums = new Map<string, number>();
    clients.forEach((client) =>
        client.urls.forEach((url) => sums.set(url.templateUri, (sums.get(url.templateUri) ?? 0) + url.requests)),
    );
    const most = [...sums].sort((a, b) => b[1] - a[1]).map(([name]) => name);
    const shown = most.slice(0, URLS_SHOWN);
    const of = (client: ReportClient, url: string): number => client.urls.find((each) => each.templateUri === url)?.requests ?? 0;
    const series: Series[] = shown.map((url) => ({ name: url, values: clients.map((client) => of(client, url)) }));
    const rest = clients.map((client) => client.requests - shown.reduce((sum, url) => sum + of(client, url), 0));
    if (rest.some((value) => value > 0)) {
        series.push({ name: 'Other URLs', color: '--status-other', values: rest });
    }
    chart.setHeight(heightOf(clients.length));
    chart.update({
        ...clientLabels(clients),
        series,
        details: (i) => [['URLs requested', format.count(clients[i]?.totalUrls)]],
    });
}

export function showStatuses(chart: Chart, statuses: Counts): void {
    const parts = statusParts(statuses);
    chart.update({
        labels: parts.map(({ status }) => status.name),
        hints: parts.map(({ status }) => status.meaning),
        colors: parts.map(({ status }) => status.color),
        unit: format.count,
        series: [{ name: 'Requests', values: parts.map(({ value }) => value) }],
        details: (i) => [[parts[i]?.status.meaning ?? '', '']],
    });
}

export function showDays(chart: Chart, days: ReportDay[], zone: string): void {
    chart.update({
        labels: days.map((day) => format.day(day.date, 'short')),
        titles: days.map((day) => format.day(day.date, 'long')),
        series: statusSeries(days),
        total: (i) => format.count(days[i]?.requests ?? 0),
        details: (i) => [
            ['Begins', format.time(days[i]!.begin, zone)],
            ['Ends', format.time(days[i]!.end, zone)],
        ],
    });
}

// "5 of 12", where not all are shown.
export function shownOf(shown: number, all: number, one: string): string {
    return shown < all ? `${format.count(shown)} of ${format.plural(all, one)}` : format.plural(all, one);
}
