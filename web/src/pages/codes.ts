import type { Page } from '../page';
import { emptyState } from '../status_view';

export const codes: Page = {
    path: '/codes', title: 'Response codes', group: 'Usage', icon: 'codes', live: true, closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    render({ root }) {
        root.append(emptyState('Nothing here yet', ''));
    },
};
