import type { Page } from '../page';
import { emptyState } from '../status_view';

export const traffic: Page = {
    path: '/traffic', title: 'Traffic', group: 'Usage', icon: 'traffic', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
