import type { Page } from '../page';
import { emptyState } from '../status_view';

export const averages: Page = {
    path: '/averages', title: 'Averages', group: 'Usage', icon: 'averages', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
