import type { Page } from '../page';
import { emptyState } from '../status_view';

export const alerts: Page = {
    path: '/alerts', title: 'Alerts', group: 'Operation', icon: 'alerts', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
