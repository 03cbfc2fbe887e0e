// Dates without a clock: yyyy-mm-dd, compared as text. What day it is depends on a zone; all else here does not.

const DAY_MS = 86_400_000;

function toMs(date: string): number {
    return Date.parse(date + 'T00:00:00Z');
}

function fromMs(ms: number): string {
    return new Date(ms).toISOString().slice(0, 10);
}

export function isDate(text: string): boolean {
    return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(toMs(text)) && fromMs(toMs(text)) === text;
}

// The date of a moment by the clocks of the zone; without a moment, today's.
export function dateIn(zone: string, ms: number = Date.now()): string {
    const parts = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
    }).formatToParts(ms);
    const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
    return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

// The moment when a date begins by the clocks of the zone; where they skip midnight, the first moment after it.
export function dayBegin(zone: string, date: string): number {
    let [low, high] = [toMs(date) - DAY_MS, toMs(date) + DAY_MS]; // no zone is a day away
    while (high - low > 1000) {
        const middle = low + Math.floor((high - low) / 2000) * 1000;
        if (dateIn(zone, middle) < date) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

export function addDays(date: string, days: number): string {
    return fromMs(toMs(date) + days * DAY_MS);
}

export function daysBetween(from: string, to: string): number {
    return Math.round((toMs(to) - toMs(from)) / DAY_MS);
}

export function monthBegin(date: string): string {
    return date.slice(0, 8) + '01';
}

export function addMonths(date: string, months: number): string {
    const first = new Date(toMs(monthBegin(date)));
    first.setUTCMonth(first.getUTCMonth() + months);
    return first.toISOString().slice(0, 10);
}

export function monthEnd(date: string): string {
    return addDays(addMonths(date, 1), -1);
}

// 0 is Sunday.
export function weekday(date: string): number {
    return new Date(toMs(date)).getUTCDay();
}

export function earlier(a: string, b: string): string {
    return a < b ? a : b;
}

export function later(a: string, b: string): string {
    return a > b ? a : b;
}

// Browsers still offer some zones by the names that they had before; people look for those of today.
const RENAMED: Record<string, string> = {
    'Africa/Asmera': 'Africa/Asmara',
    'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
    'America/Catamarca': 'America/Argentina/Catamarca',
    'America/Cordoba': 'America/Argentina/Cordoba',
    'America/Jujuy': 'America/Argentina/Jujuy',
    'America/Mendoza': 'America/Argentina/Mendoza',
    'America/Coral_Harbour': 'America/Atikokan',
    'America/Godthab': 'America/Nuuk',
    'America/Indianapolis': 'America/Indiana/Indianapolis',
    'America/Louisville': 'America/Kentucky/Louisville',
    'Asia/Calcutta': 'Asia/Kolkata',
    'Asia/Katmandu': 'Asia/Kathmandu',
    'Asia/Rangoon': 'Asia/Yangon',
    'Asia/Saigon': 'Asia/Ho_Chi_Minh',
    'Atlantic/Faeroe': 'Atlantic/Faroe',
    'Europe/Kiev': 'Europe/Kyiv',
    'Pacific/Enderbury': 'Pacific/Kanton',
    'Pacific/Ponape': 'Pacific/Pohnpei',
    'Pacific/Truk': 'Pacific/Chuuk',
};
export function zoneName(zone: string): string {
    return RENAMED[zone] ?? zone;
}

export function isZone(zone: string): boolean {
    try {
        new Intl.DateTimeFormat('en', { timeZone: zone });
        return true;
    } catch {
        return false;
    }
}
