// A filter that another page's click set, with a way to take it off.
import { el } from '../dom';
import { icon, iconButton } from '../icon';
import { setState } from '../state';

export function clientChip(client: string): HTMLElement {
    return el(
        'span',
        { class: 'badge accent' },
        icon('filter'),
        `Only ${client}`,
        iconButton(`Show all clients, not only ${client}`, 'close', () => setState({ params: { client: null } })),
    );
}
