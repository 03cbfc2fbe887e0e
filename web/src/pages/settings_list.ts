// One list of Settings: things of a kind, searched, made, changed and removed.
import { allPages, get, send } from '../api';
import { card, type Card } from '../card';
import { confirmDialog } from '../dialog';
import { el, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { icon, iconButton } from '../icon';
import type { View } from '../page';
import { noteState } from '../state';
import { emptyState } from '../status_view';
import { table, type Column } from '../table';
import { toast, toastError } from '../toast';
import type { Cell } from '../xlsx';

const LISTED_MAX = 1000;
const EXPORTED_MAX = 100_000;

export interface Listed<T> {
    entities: T[];
    total?: number;
    nextUri?: string;
}

export interface Kind<T extends object> {
    title: string;
    one: string; // a client
    path: string;
    query?: Record<string, string | null>;
    about: string; // what they are for
    list?: (signal?: AbortSignal) => Promise<Listed<T>>; // where it is not the usual list
    columns: Column<T>[];
    name: (row: T) => string;
    words?: (row: T) => string; // that are searched, besides the name
    edit?: (row: T | null, saved: (said: string) => Promise<void>) => Promise<void> | void; // null: a new one
    fixed?: boolean; // they are made, but not changed
    mayAdd?: boolean;
    mayChange?: (row: T) => boolean;
    remove?: { path: (row: T) => string; verb: string; text: (row: T) => string };
    actions?: (row: T, reload: () => Promise<void>) => HTMLElement[];
    tools?: (reload: () => Promise<void>) => Child;
    tableOf?: (rows: T[]) => { columns: string[]; rows: Cell[][] };
    empty: string;
}

// The organization in an address, for what several may have under the same name.
export function withOrganization(path: string, organization: string | null): string {
    return organization === null ? path : `${path}?organization=${encodeURIComponent(organization)}`;
}

export function allOr(organization: string | null): Child {
    return organization ?? el('span', { class: 'faint' }, 'all');
}

export class SettingsList<T extends object> {
    readonly card: Card;
    private readonly search: HTMLInputElement;
    private rows: T[] = [];
    private total = 0;

    constructor(
        private readonly view: View,
        private readonly kind: Kind<T>,
        private readonly param: string, // of the address, for the words searched
    ) {
        this.card = card(kind.title, { wide: true, subtitle: kind.about, height: 220 });
        const label = `Search ${kind.title.toLowerCase()}`;
        this.search = el('input', {
            type: 'search',
            class: 'input',
            placeholder: 'Search',
            'aria-label': label,
            value: view.state.params.get(param) ?? '',
            oninput: () => this.searched(),
        });
        const add = kind.edit && kind.mayAdd !== false ? this.addButton() : null;
        const tools = kind.tools?.(() => this.load()) ?? null;
        this.card.setTotal(el('div', { class: 'page-filters' }, el('div', { class: 'search-field' }, this.search), tools, add));
    }

    async load(): Promise<void> {
        const { signal } = this.view;
        await this.card.load(
            signal,
            () => this.kind.list?.(signal) ?? get<Listed<T>>(this.kind.path, { ...this.kind.query, pageSize: LISTED_MAX }, signal),
            (data) => {
                this.rows = data.entities;
                this.total = data.total ?? data.entities.length;
                this.draw();
            },
        );
    }

    file(name: string): ExportFile {
        return rowsFile(name, this.kind.title, async () => {
            const rows = this.kind.list
                ? (await this.kind.list()).entities
                : await allPages<T>(this.kind.path, this.kind.query ?? {}, EXPORTED_MAX);
            return (this.kind.tableOf ?? plainTable)(rows);
        });
    }

    private addButton(): HTMLElement {
        const run = (): void => void Promise.resolve(this.kind.edit?.(null, this.saved)).catch(toastError);
        return el('button', { type: 'button', class: 'button primary', onclick: run }, icon('add'), `New ${this.kind.one}`);
    }

    private readonly saved = async (said: string): Promise<void> => {
        toast(said);
        await this.load();
    };

    private searched(): void {
        noteState({ params: { [this.param]: this.search.value || null } });
        this.draw();
    }

    private found(): T[] {
        const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const text = (row: T): string => `${this.kind.name(row)} ${this.kind.words?.(row) ?? ''}`.toLowerCase();
        return words.length ? this.rows.filter((row) => words.every((word) => text(row).includes(word))) : this.rows;
    }

    private draw(): void {
        const rows = this.found();
        const canEdit = this.kind.edit && !this.kind.fixed;
        const pick = (row: T): void => void Promise.resolve(this.kind.edit?.(row, this.saved)).catch(toastError);
        const columns = [...this.kind.columns, this.actions()].filter((column) => column !== null);
        const shown = rows.length
            ? table(this.kind.title, columns, rows, { onPick: canEdit && !this.kind.mayChange ? pick : undefined })
            : this.rows.length
              ? emptyState('Nothing matches', 'Search for something else.')
              : emptyState(
                    this.kind.empty,
                    this.kind.edit && this.kind.mayAdd !== false ? `Make one with “New ${this.kind.one}”.` : null,
                );
        replace(this.card.body, shown, this.more());
    }

    private more(): Child {
        return this.rows.length < this.total
            ? el(
                  'div',
                  { class: 'more-line' },
                  `The first ${format.count(this.rows.length)} of ${format.count(this.total)}. `,
                  'Choose an organization, or export all.',
              )
            : null;
    }

    private actions(): Column<T> | null {
        const { kind } = this;
        const canEdit = kind.edit && !kind.fixed;
        if (!canEdit && !kind.remove && !kind.actions) {
            return null;
        }
        const cell = (row: T): Child => {
            if (kind.mayChange && !kind.mayChange(row)) {
                return el('span', { class: 'faint', title: 'Changed by administrators of all organizations' }, icon('lock'));
            }
            const edit = (): void => void Promise.resolve(kind.edit?.(row, this.saved)).catch(toastError);
            return el(
                'span',
                { class: 'row-actions' },
                kind.actions?.(row, () => this.load()) ?? null,
                canEdit ? iconButton(`Edit ${kind.name(row)}`, 'edit', edit, { title: 'Edit' }) : null,
                kind.remove
                    ? iconButton(`${kind.remove.verb} ${kind.name(row)}`, 'remove', () => this.askRemove(row), {
                          title: kind.remove.verb,
                      })
                    : null,
            );
        };
        return { key: 'actions', label: 'Actions', align: 'right', cell };
    }

    private askRemove(row: T): void {
        const { remove, one, name } = this.kind;
        if (remove) {
            confirmDialog(`${remove.verb} the ${one} ${name(row)}?`, remove.text(row), remove.verb, async () => {
                await send('DELETE', remove.path(row));
                await this.saved(`${name(row)}: done.`);
            });
        }
    }
}

// Rows as they are: lists with blanks in between.
function plainTable<T extends object>(rows: T[]): { columns: string[]; rows: Cell[][] } {
    const columns = Object.keys(rows[0] ?? {});
    const value = (each: unknown): Cell => (Array.isArray(each) ? each.join(' ') : ((each ?? null) as Cell));
    return { columns, rows: rows.map((row) => columns.map((name) => value((row as Record<string, unknown>)[name]))) };
}
