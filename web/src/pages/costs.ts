// Costs: what a month includes, what was used beyond, what that costs, and what it will be if it goes on so. Below it what was
// asked for at most, for planning.
import { get } from '../api';
import { card, type Card } from '../card';
import { barChart, type Chart } from '../chart';
import { addMonths, dateIn } from '../dates';
import { el, replace, type Child } from '../dom';
import { rowsFile, serverFile, type ExportFile } from '../export';
import * as format from '../format';
import { icon, iconButton } from '../icon';
import { money } from '../money';
import type { Page, View } from '../page';
import { selectFilter } from '../select';
import { setState } from '../state';
import { stat, stats } from '../stat';
import { byNumber, byText, meter, table, type Column } from '../table';
import { CapacityCard } from './costs_capacity';
import { byCurrency, byDay, idOf, nameOf, sum, type Account, type Costs } from './costs_data';
import { together } from './together';

const PATH = '/api/v2/usage/costs';
const REFRESH_MS = 30_000;
const MONTHS = 13;
const SHOWN_MAX = 1000;

function thisMonth(): string {
    return dateIn('UTC').slice(0, 7);
}

function monthOf({ state }: View): string {
    const month = state.params.get('month') ?? '';
    return /^\d{4}-(0[1-9]|1[0-2])$/.test(month) && month <= thisMonth() ? month : thisMonth();
}

function moved(month: string, by: number): string {
    return addMonths(`${month}-01`, by).slice(0, 7);
}

function setMonth(month: string): void {
    setState({ params: { month: month === thisMonth() ? null : month } });
}

// ---- filters ----

function filterBar(view: View): HTMLElement {
    const month = monthOf(view);
    const months = Array.from({ length: MONTHS }, (_, i) => moved(thisMonth(), -i));
    const chosen = view.state.params.get('account');
    const drop = chosen
        ? el(
              'button',
              {
                  type: 'button',
                  class: 'button small',
                  title: 'Show all accounts again',
                  onclick: () => setState({ params: { account: null } }),
              },
              `Account: ${chosen}`,
              icon('close'),
          )
        : null;
    const options = [...new Set([...months, month])].map((each): [string, string] => [each, format.day(`${each}-01`, 'month')]);
    const before = iconButton('Month before', 'left', () => setMonth(moved(month, -1)));
    const next = iconButton('Next month', 'right', () => setMonth(moved(month, 1)), { disabled: month >= thisMonth() });
    return el(
        'div',
        { class: 'page-filters', role: 'group', 'aria-label': 'Filters of costs' },
        el('div', { class: 'months' }, before, selectFilter('Month (UTC)', options, month, setMonth), next),
        drop,
    );
}

// ---- figures ----

class Figures {
    private readonly requests = stat('Requests');
    private readonly included = stat('Included', 'Of the plans of these accounts, in the month');
    private readonly overage = stat('Beyond', 'Used beyond what the plans include');
    private readonly amount = stat('Amount so far');
    private readonly projected = stat('Projected', 'At the end of the month, if it goes on so');
    readonly root = stats(this.requests, this.included, this.overage, this.amount, this.projected);

    show(accounts: Account[], { provisional }: Costs): void {
        const used = sum(accounts, (each) => each.used);
        const unpriced = sum(accounts, (each) => (each.kind === 'unpriced' ? each.used : 0));
        const members = sum(accounts, (each) => (each.kind === 'member' ? each.used : 0));
        const note = [
            unpriced ? `${format.compact(unpriced)} without a price` : '',
            members ? `${format.compact(members)} in an organization’s account` : '',
        ];
        const hasPlan = accounts.some((each) => each.plan);
        const amounts = [...byCurrency(accounts)];
        const will = sum(accounts, (each) => each.projected.used);
        this.requests.set(format.count(used), { note: note.filter(Boolean).join(', ') || null });
        this.included.set(format.count(hasPlan ? sum(accounts, (each) => each.included) : null));
        this.overage.set(format.count(hasPlan ? sum(accounts, (each) => each.overage) : null));
        const text = (of: 'now' | 'projected'): string =>
            amounts.map(([currency, each]) => money(each[of], currency)).join(' + ') || format.NOTHING;
        this.amount.set(text('now'), { note: provisional ? 'can still change' : 'final' });
        this.projected.set(text('projected'), { note: provisional ? `${format.compact(will)} requests` : 'the month is over' });
    }

    clear(): void {
        [this.requests, this.included, this.overage, this.amount, this.projected].forEach((each) => each.set(format.NOTHING));
    }
}

// ---- by day ----

function showDays(chart: Chart, accounts: Account[]): void {
    const days = byDay(accounts);
    const currencies = [...byCurrency(accounts).keys()];
    const only = currencies.length === 1 ? currencies[0] : undefined;
    const provisional = days.map((day) => day.provisional);
    chart.update({
        labels: days.map((day) => format.day(day.date, 'short')),
        titles: days.map((day) => `${format.day(day.date, 'long')} (UTC)`),
        series: [
            {
                name: 'Included, or without a price',
                color: '--series-1',
                values: days.map((day) => day.requests - day.overage),
                provisional,
            },
            {
                name: 'Beyond',
                color: '--status-400',
                values: days.map((day) => day.overage),
                provisional,
                hint: 'Beyond what plans include',
            },
        ],
        total: (i) => format.count(days[i]?.requests ?? 0),
        details: (i) => (only ? [['Amount', money(days[i]?.amountMicros, only)]] : []),
    });
}

// ---- accounts ----

const KINDS: Record<Account['kind'], string> = {
    client: 'client',
    organization: 'organization',
    member: 'in its organization’s account',
    unpriced: 'no plan',
};

function badge(account: Account): Child {
    const { included, used, projected, fairUse } = account;
    if (fairUse?.exceeded) {
        return el('span', { class: 'badge bad' }, 'Beyond fair use');
    }
    if (included === undefined) {
        return account.unknownPlan ? el('span', { class: 'badge bad' }, `No plan ${account.unknownPlan}`) : null;
    }
    return used > included
        ? el('span', { class: 'badge bad' }, 'Over')
        : projected.used > included
          ? el('span', { class: 'badge warn' }, 'Will be over')
          : null;
}

function useOf(account: Account): Child {
    const { included, used, projected } = account;
    const text = format.count(used);
    return included
        ? [meter(used, included, text, used > included ? '--bad' : projected.used > included ? '--warn' : '--accent')]
        : text;
}

function columns(): Column<Account>[] {
    const right = { align: 'right' as const };
    return [
        {
            key: 'account',
            label: 'Account',
            sort: byText(nameOf),
            cell: (row) => [
                nameOf(row),
                el(
                    'div',
                    { class: 'hint' },
                    row.clientId === undefined ? KINDS[row.kind] : `${row.organization}, ${KINDS[row.kind]}`,
                ),
            ],
        },
        {
            key: 'plan',
            label: 'Plan',
            secondary: true,
            cell: (row) => [row.plan ? `${row.plan.title || row.plan.name} ` : null, badge(row)],
        },
        { key: 'used', label: 'Used', ...right, sort: byNumber((row) => row.used), cell: useOf },
        { key: 'included', label: 'Included', ...right, secondary: true, cell: (row) => format.count(row.included) },
        {
            key: 'overage',
            label: 'Beyond',
            ...right,
            secondary: true,
            sort: byNumber((row) => row.overage),
            cell: (row) => format.count(row.overage),
        },
        {
            key: 'amount',
            label: 'Amount so far',
            ...right,
            sort: byNumber((row) => row.amountMicros),
            cell: (row) => (row.currency ? money(row.amountMicros, row.currency) : format.NOTHING),
        },
        {
            key: 'projected',
            label: 'Projected',
            ...right,
            secondary: true,
            sort: byNumber((row) => row.projected.amountMicros),
            cell: (row) => [
                row.currency ? money(row.projected.amountMicros, row.currency) : null,
                el('div', { class: 'hint' }, `${format.compact(row.projected.used)} requests`),
            ],
        },
    ];
}

function finality(data: Costs): Child[] {
    const through = data.finalizedThrough ? `Final through ${format.day(data.finalizedThrough)}. ` : 'No day is final yet. ';
    return [
        icon(data.provisional ? 'info' : 'check'),
        data.provisional
            ? `${through}What is newer can still change, and so can the amounts.`
            : 'All days of this month are final, and so are the amounts.',
    ];
}

// ---- the page ----

class CostsPage {
    private readonly notice = el('p', { class: 'notice', hidden: true });
    private readonly figures = new Figures();
    private readonly chart = barChart('Requests by day');
    private readonly days: Card = card('By day', {
        wide: true,
        height: 260,
        subtitle: 'Days of UTC',
        empty: 'Nothing was used in this month',
    });
    private readonly accounts: Card = card('Accounts', { wide: true, height: 220, empty: 'There is nobody to count for' });
    private readonly capacity: CapacityCard;

    constructor(private readonly view: View) {
        this.capacity = new CapacityCard(view);
        this.days.setChart(this.chart);
        view.root.append(
            filterBar(view),
            this.notice,
            this.figures.root,
            this.days.root,
            this.accounts.root,
            this.capacity.card.root,
        );
    }

    query(): Record<string, string | null> {
        const [organization, ...client] = (this.view.state.params.get('account') ?? '').split('/');
        return {
            month: monthOf(this.view),
            organization: organization || this.view.state.organization,
            clientId: client.join('/') || null,
        };
    }

    // Of an organization's account its own row only, not those of its clients beside it.
    chosen(data: Costs): Account[] {
        const id = this.view.state.params.get('account');
        return id ? data.entities.filter((each) => idOf(each) === id) : data.entities;
    }

    async load(): Promise<void> {
        const { signal } = this.view;
        const query = { ...this.query(), granularity: 'day', pageSize: SHOWN_MAX };
        const asked = together(
            () => get<Costs>(PATH, query, signal),
            () => this.load(),
        );
        await Promise.all([
            this.showHead(asked),
            this.days.load(
                signal,
                asked,
                (data, body) => {
                    body.replaceChildren(this.chart.root);
                    showDays(this.chart, this.chosen(data));
                },
                (data) => sum(this.chosen(data), (each) => each.used) === 0,
            ),
            this.accounts.load(
                signal,
                asked,
                (data, body) => replace(body, this.list(data)),
                (data) => this.chosen(data).length === 0,
            ),
            this.capacity.load(),
        ]);
    }

    private async showHead(asked: () => Promise<Costs>): Promise<void> {
        try {
            const data = await asked();
            this.figures.show(this.chosen(data), data);
            this.notice.hidden = false;
            replace(this.notice, finality(data));
        } catch {
            this.figures.clear(); // the cards say why
        }
    }

    private list(data: Costs): Child {
        const pick = (row: Account): void => setState({ params: { account: idOf(row) } });
        const more = data.nextUri
            ? el(
                  'div',
                  { class: 'more-line' },
                  `The first ${format.count(SHOWN_MAX)} accounts. Choose an organization, or export all.`,
              )
            : null;
        return [table('Accounts', columns(), this.chosen(data), { onPick: pick, sortBy: 'used', descending: true }), more];
    }

    files(): ExportFile[] {
        const month = monthOf(this.view);
        return [
            this.file(`accounts-${month}`, 'Accounts', 'month'),
            this.file(`accounts-by-day-${month}`, 'Accounts by day', 'day'),
            ...this.capacity.files(),
        ];
    }

    // The server's own table; for Excel its JSON lines.
    private file(name: string, label: string, granularity: string): ExportFile {
        const made = serverFile(name, label, `${PATH}.{format}`, { ...this.query(), granularity }, ['csv', 'jsonl']);
        const excel = rowsFile(name, label, async () => {
            const lines = (await (await made.fetch('jsonl')).text()).split('\n').filter(Boolean);
            const rows = lines.map((line) => JSON.parse(line) as Record<string, string | number | boolean | null>);
            const names = Object.keys(rows[0] ?? {});
            return { columns: names, rows: rows.map((row) => names.map((each) => row[each] ?? null)) };
        });
        return { ...excel, fetch: (format_) => (format_ === 'xlsx' ? excel : made).fetch(format_) };
    }
}

export const costs: Page = {
    path: '/costs',
    title: 'Costs',
    group: 'Reports',
    icon: 'costs',
    live: true,
    closedOnly: false,
    filters: { range: false, zone: true, organization: true },
    async render(view) {
        const page = new CostsPage(view);
        const again = (): Promise<void> => page.load();
        view.exports(() => page.files());
        view.refresh(REFRESH_MS, again);
        await again();
    },
};
