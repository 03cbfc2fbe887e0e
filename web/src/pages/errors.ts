import type { Page } from '../page';
import { emptyState } from '../status_view';

export const errors: Page = {
    path: '/errors', title: 'Integration errors', group: 'Operation', icon: 'errors', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
