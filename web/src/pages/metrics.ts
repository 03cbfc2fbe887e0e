import type { Page } from '../page';
import { emptyState } from '../status_view';

export const metrics: Page = {
    path: '/endpoints', title: 'API metrics', group: 'Usage', icon: 'metrics', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
