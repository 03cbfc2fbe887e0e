import type { Page } from '../page';
import { emptyState } from '../status_view';

export const latency: Page = {
    path: '/latency', title: 'Latency', group: 'Usage', icon: 'latency', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
