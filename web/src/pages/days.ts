import type { Page } from '../page';
import { emptyState } from '../status_view';

export const days: Page = {
    path: '/days', title: 'Days', group: 'Reports', icon: 'days', live: false, closedOnly: true,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
