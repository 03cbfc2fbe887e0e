// Requests over time: all of them and by method, stacked, with the period before laid over.
import { shared } from '../api';
import { card } from '../card';
import { barChart } from '../chart';
import { el, keep, replace } from '../dom';
import type { Page, View } from '../page';
import { setState } from '../state';
import { HITS, metricChoice, type Metric } from '../stats';
import { segmented } from '../tabs';
import { clientChip } from './client_chip';
import {
    askTraffic,
    chosenMetric,
    hasBefore,
    makeAsking,
    stepOf,
    stepsFor,
    STACKED,
    type Slot,
    type Step,
    type Traffic,
} from './traffic_data';
import { draw, figures, methodsFile, methodTable, seriesFile } from './traffic_view';

const REFRESH_MS = 10_000;
const STEP_NAMES: Record<Step, string> = { hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' };

// ---- controls ----

function stepSwitch(view: View, step: Step): HTMLElement {
    const items = stepsFor(view.state.range).map((id) => ({ id, label: STEP_NAMES[id] }));
    return segmented('Step', items, step, (by) => setState({ params: { by } }));
}

function beforeSwitch(view: View): HTMLElement {
    const box = el('input', {
        type: 'checkbox',
        checked: hasBefore(view),
        onchange: () => setState({ params: { before: box.checked ? null : 'off' } }),
    });
    return el('label', { class: 'choice' }, box, 'Period before');
}

interface Controls {
    root: HTMLElement;
    showMetrics(list: Metric[]): void;
}

function controls(view: View, step: Step): Controls {
    const client = view.state.params.get('client');
    const choice = el('span', { class: 'metric-choice' });
    const showMetrics = (list: Metric[]): void =>
        replace(
            choice,
            metricChoice([STACKED, ...list], chosenMetric(view), (name) => setState({ params: { metric: name || null } })),
        );
    showMetrics([HITS]);
    const root = el(
        'div',
        { class: 'row' },
        stepSwitch(view, step),
        choice,
        beforeSwitch(view),
        client ? clientChip(client) : null,
    );
    return { root, showMetrics };
}

// ---- the page ----

function drillDown(slot: Slot, step: Step, client: string | null): void {
    const range = { preset: null, from: slot.from, to: slot.to };
    if (step === 'hour') {
        setState({ page: '/codes', range, params: { client } });
    } else {
        setState({ range, params: { by: step === 'day' ? 'hour' : 'day' } });
    }
}

function isEmpty({ hits, before }: Traffic): boolean {
    return ![...hits, ...(before ?? [])].some((value) => value > 0);
}

export const traffic: Page = {
    path: '/traffic',
    title: 'Traffic',
    group: 'Usage',
    icon: 'traffic',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const { state, signal } = view;
        const step = stepOf(state.params.get('by'), state.range);
        const asking = makeAsking(view, step);
        const bar = controls(view, step);
        const numbers = figures(view, step);
        const chart = barChart('Requests over time', { height: 360 });
        const series = card('Requests over time', { wide: true, height: 390, subtitle: `By ${step}, ${state.zone}` });
        const methods = card('By method', { wide: true, height: 160, subtitle: 'A click shows one over time' });
        let shown: Traffic | null = null;
        const take = (answer: Traffic): void => {
            if (!shown) {
                bar.showMetrics(answer.totals);
            }
            shown = answer;
            numbers.show(answer);
        };
        const again = async (): Promise<void> => {
            const ask = shared(() => askTraffic(asking));
            ask().then(
                (answer) => signal.aborted || take(answer),
                () => signal.aborted || numbers.clear(), // the cards say why
            );
            await Promise.all([
                series.load(
                    signal,
                    ask,
                    (answer, body) => {
                        keep(body, chart.root);
                        draw(chart, answer, view, step);
                    },
                    isEmpty,
                ),
                methods.load(signal, ask, (answer, body) => replace(body, methodTable(answer)), isEmpty),
            ]);
        };
        series.setChart(chart);
        chart.onPick((i) => {
            const slot = shown?.slots[i];
            if (slot) {
                drillDown(slot, step, asking.client);
            }
        });
        view.root.append(bar.root, numbers.root, series.root, methods.root);
        view.exports(() => [seriesFile(view, step, () => shown), methodsFile(() => shown)]);
        view.refresh(REFRESH_MS, async () => (shown && !shown.provisional ? undefined : again()));
        await again();
    },
};
