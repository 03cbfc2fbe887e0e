import type { Page } from '../page';
import { emptyState } from '../status_view';

export const report: Page = {
    path: '/report', title: 'API usage report', group: 'Reports', icon: 'report', live: false, closedOnly: true,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
