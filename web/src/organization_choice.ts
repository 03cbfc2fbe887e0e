// The one choice of an organization. Whose token is for one organization sees its name only.
import { choice } from './choice';
import { el } from './dom';
import { icon } from './icon';
import type { Session } from './session';
import { getState, setState } from './state';

const ALL = '';

export function organizationChoice(session: Session): HTMLElement {
    if (session.organization) {
        const label = el('span', { class: 'visually-hidden' }, 'Organization: ');
        return el('span', { class: 'filter-fixed' }, icon('organization'), label, session.organization);
    }
    const { organization } = getState();
    return choice({
        label: 'Organization',
        icon: 'organization',
        shown: organization ?? 'All organizations',
        items: [...new Set([ALL, ...session.organizations, organization ?? ALL])],
        chosen: organization ?? ALL,
        search: { names: new Map([[ALL, 'All organizations']]), free: session.moreOrganizations ?? false },
        onChange: (item) => setState({ organization: item || null }),
    });
}
