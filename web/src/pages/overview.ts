import type { Page } from '../page';
import { emptyState } from '../status_view';

export const overview: Page = {
    path: '/', title: 'Overview', group: 'Usage', icon: 'overview', live: true, closedOnly: false,
    presets: ['last24h', 'last7', 'last30', 'last90'], filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
