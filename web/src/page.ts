// What a page is to the rest: a row in pages.ts, which draws into the element of its view, whenever it is opened or a filter
// changes.
import type { State } from './state';
import { may, type Session } from './session';
import type { ExportFile } from './export';

export type { Session };

export interface Page {
    path: string; // of the URL, '/' and up
    title: string;
    group: 'Usage' | 'Reports' | 'Operation';
    icon: string;
    live: boolean; // its numbers can still change: it is refreshed
    closedOnly: boolean; // closed days only: the current day is never offered
    needs?: string[]; // any one of these permissions, else the page is not in the navigation, and says so when opened
    offered?(session: Session): boolean; // without: to all; it is in the navigation only of those to whom it has something to say
    presets?: string[]; // of the date filter, and no custom range; without: all
    filters: { range: boolean; zone: boolean; organization: boolean };
    render(view: View): Promise<void> | void;
}

export interface View {
    root: HTMLElement;
    state: State;
    session: Session;
    signal: AbortSignal; // aborted when the page or its state is left
    refresh(every_ms: number, again: () => Promise<void>): void;
    exports(list: () => ExportFile[]): void;
}

export function isOffered(page: Page, session: Session): boolean {
    return isAllowed(page, session) && (page.offered?.(session) ?? true);
}

export function isAllowed(page: Page, session: Session): boolean {
    return !page.needs || may(session, ...page.needs);
}
