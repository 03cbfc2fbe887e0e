// The one choice of a time zone: every date and hour on screen is by its clocks.
import { zoneName } from './dates';
import { searchList } from './combobox';
import { el } from './dom';
import { offset } from './format';
import { icon } from './icon';
import { popover } from './popover';
import { getState, setState } from './state';

function zones(): string[] {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return [...new Set(['UTC', own, ...Intl.supportedValuesOf('timeZone')].map(zoneName))];
}

export function zoneChoice(): HTMLElement {
    const { zone } = getState();
    const button = el(
        'button',
        { type: 'button', class: 'filter-button', title: offset(zone) },
        icon('globe'),
        el('span', { class: 'visually-hidden' }, 'Time zone: '),
        el('span', { class: 'filter-value' }, zone.replaceAll('_', ' ')),
        icon('down'),
    );
    return popover(
        button,
        (close) => {
            const items = zones();
            if (!items.includes(zone)) {
                items.unshift(zone);
            }
            const names = new Map(items.map((item) => [item, item.replaceAll('_', ' ')]));
            return [
                el(
                    'div',
                    { class: 'choice-panel' },
                    searchList('Time zones', {
                        items,
                        names,
                        chosen: [zone],
                        multiple: false,
                        hideIds: true,
                        placeholder: 'City or region',
                        onChange: ([chosen]) => {
                            if (chosen && chosen !== zone) {
                                close();
                                setState({ zone: chosen });
                            }
                        },
                    }),
                    el('p', { class: 'hint' }, `${zone} is ${offset(zone)} now.`),
                ),
            ];
        },
        { label: 'Time zone', end: true },
    ).root;
}
