// The one choice of a time zone: every date and hour on screen is by its clocks.
import { choice } from './choice';
import { zoneName } from './dates';
import { offset } from './format';
import { getState, setState } from './state';

function zones(current: string): string[] {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return [...new Set(['UTC', own, ...Intl.supportedValuesOf('timeZone'), current].map(zoneName))];
}

export function zoneChoice(): HTMLElement {
    const { zone } = getState();
    const items = zones(zone);
    return choice({
        label: 'Time zone',
        icon: 'globe',
        shown: zone.replaceAll('_', ' '),
        items,
        chosen: zone,
        search: { names: new Map(items.map((item) => [item, item.replaceAll('_', ' ')])), placeholder: 'City or region' },
        hint: `${zone} is ${offset(zone)} now.`,
        onChange: (item) => setState({ zone: item }),
    });
}
