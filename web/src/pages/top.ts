import type { Page } from '../page';
import { emptyState } from '../status_view';

export const top: Page = {
    path: '/top', title: 'Top applications', group: 'Usage', icon: 'top', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
