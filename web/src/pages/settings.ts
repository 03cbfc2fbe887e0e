import type { Page } from '../page';
import { emptyState } from '../status_view';

export const settings: Page = {
    path: '/settings', title: 'Settings', group: 'Operation', icon: 'settings', live: false, closedOnly: false,
    filters: { range: false, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
