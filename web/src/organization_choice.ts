// The one choice of an organization. Whose token is for one organization sees its name only.
import { searchList } from './combobox';
import { el } from './dom';
import { icon } from './icon';
import { popover } from './popover';
import type { Session } from './session';
import { getState, setState } from './state';

const ALL = '';

export function organizationChoice(session: Session): HTMLElement | null {
    if (session.organization) {
        return el(
            'span',
            { class: 'filter-fixed' },
            icon('organization'),
            el('span', { class: 'visually-hidden' }, 'Organization: '),
            session.organization,
        );
    }
    const { organization } = getState();
    const shown = organization ?? 'All organizations';
    const button = el(
        'button',
        { type: 'button', class: 'filter-button' },
        icon('organization'),
        el('span', { class: 'visually-hidden' }, 'Organization: '),
        el('span', { class: 'filter-value' }, shown),
        icon('down'),
    );
    return popover(
        button,
        (close) => [
            el(
                'div',
                { class: 'choice-panel' },
                searchList('Organizations', {
                    items: [ALL, ...new Set([...session.organizations, ...(organization ? [organization] : [])])],
                    names: new Map([[ALL, 'All organizations']]),
                    chosen: [organization ?? ALL],
                    multiple: false,
                    hideIds: true,
                    free: session.moreOrganizations ?? false,
                    onChange: ([chosen]) => {
                        if (chosen !== undefined && chosen !== (organization ?? ALL)) {
                            close();
                            setState({ organization: chosen || null });
                        }
                    },
                }),
            ),
        ],
        { label: 'Organization', end: true },
    ).root;
}
