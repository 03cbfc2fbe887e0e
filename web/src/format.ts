// Numbers and times as a person reads them: by the browser's locale, times in the chosen zone.

const LOCALE = navigator.language || 'en';
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 });
const decimals = [0, 1, 2, 3].map((n) => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: n }));
const percents = [0, 1, 2].map(
    (n) => new Intl.NumberFormat(LOCALE, { style: 'percent', minimumFractionDigits: n, maximumFractionDigits: n }),
);
export const NOTHING = '–';

// A count, exactly.
export function count(n: number | null | undefined): string {
    return n === null || n === undefined ? NOTHING : whole.format(n);
}

// A count where there is little room: 1.2M.
export function compact(n: number | null | undefined): string {
    return n === null || n === undefined ? NOTHING : short.format(n);
}

export function decimal(n: number | null | undefined, digits = 1): string {
    return n === null || n === undefined ? NOTHING : (decimals[digits] ?? decimals[3])!.format(n);
}

// From a share, 0 to 1. What is there but rounds to nothing says so.
export function percent(share: number | null | undefined, digits = 1): string {
    if (share === null || share === undefined || !Number.isFinite(share)) {
        return NOTHING;
    }
    const format = (percents[digits] ?? percents[2])!;
    const least = 10 ** (-2 - digits);
    return share > 0 && share < least / 2 ? `< ${format.format(least)}` : format.format(share);
}

export function share(part: number, whole_: number): string {
    return whole_ > 0 ? percent(part / whole_) : NOTHING;
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
export function bytes(n: number | null | undefined): string {
    if (n === null || n === undefined) {
        return NOTHING;
    }
    let unit = 0;
    for (; n >= 1000 && unit < BYTE_UNITS.length - 1; unit++) {
        n /= 1000;
    }
    return `${decimal(n, unit === 0 || n >= 100 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

export function ms(n: number | null | undefined): string {
    if (n === null || n === undefined) {
        return NOTHING;
    }
    return n < 1000 ? `${decimal(n, n < 10 ? 1 : 0)} ms` : `${decimal(n / 1000, n < 10_000 ? 2 : 1)} s`;
}

// A change in percent, as +12.3 %; null where there is nothing to compare with.
export function change(percentage: number | null | undefined): string {
    if (percentage === null || percentage === undefined || !Number.isFinite(percentage)) {
        return NOTHING;
    }
    const text = percent(Math.abs(percentage) / 100, Math.abs(percentage) < 10 ? 1 : 0);
    return percentage > 0 ? `+${text}` : percentage < 0 ? `−${text}` : text;
}

export function changeBetween(now: number, before: number): number | null {
    return before > 0 ? ((now - before) / before) * 100 : null;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function timeFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify(options);
    let format = formats.get(key);
    if (!format) {
        format = new Intl.DateTimeFormat(LOCALE, options);
        formats.set(key, format);
    }
    return format;
}

export type Moment = string | number | Date;
function toDate(moment: Moment): Date {
    return moment instanceof Date ? moment : new Date(moment);
}

// A date without a clock, yyyy-mm-dd. Styles: 21 Nov · 21 Nov 2026 · Sat, 21 Nov 2026 · November 2026 · Sat
export type DayStyle = 'short' | 'medium' | 'long' | 'month' | 'weekday';
const DAY_STYLES: Record<DayStyle, Intl.DateTimeFormatOptions> = {
    short: { day: 'numeric', month: 'short' },
    medium: { day: 'numeric', month: 'short', year: 'numeric' },
    long: { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
    month: { month: 'long', year: 'numeric' },
    weekday: { weekday: 'short' },
};
export function day(date: string, style: DayStyle = 'medium'): string {
    return timeFormat({ ...DAY_STYLES[style], timeZone: 'UTC' }).format(new Date(date.slice(0, 10) + 'T00:00:00Z'));
}

export function dayRange(from: string, to: string): string {
    if (from === to) {
        return day(from);
    }
    return timeFormat({ ...DAY_STYLES.medium, timeZone: 'UTC' }).formatRange(
        new Date(from + 'T00:00:00Z'),
        new Date(to + 'T00:00:00Z'),
    );
}

// A moment, in the zone. Styles: 14:05 · 21 Nov, 14:05 · 21 Nov 2026, 14:05:09 · 21 Nov 2026
export type TimeStyle = 'time' | 'short' | 'full' | 'date';
const TIME_STYLES: Record<TimeStyle, Intl.DateTimeFormatOptions> = {
    time: { hour: '2-digit', minute: '2-digit' },
    short: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
    full: { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' },
    date: DAY_STYLES.medium,
};
export function time(moment: Moment, zone: string, style: TimeStyle = 'short'): string {
    return timeFormat({ ...TIME_STYLES[style], timeZone: zone, hourCycle: 'h23' }).format(toDate(moment));
}

export function timeRange(from: Moment, to: Moment, zone: string): string {
    return `${time(from, zone)} – ${time(to, zone)}`;
}

const agoFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const AGO: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
];
export function ago(moment: Moment): string {
    const past = toDate(moment).getTime() - Date.now();
    for (const [unit, unit_ms] of AGO) {
        if (Math.abs(past) >= unit_ms) {
            return agoFormat.format(Math.trunc(past / unit_ms), unit);
        }
    }
    return 'just now';
}

// The offset of a zone at a moment: UTC+05:45.
export function offset(zone: string, moment: Moment = Date.now()): string {
    const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(toDate(moment));
    const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    return name.replace('GMT+00:00', 'GMT').replace('GMT', 'UTC');
}

export function weekdayName(index: number, style: 'short' | 'long' = 'long'): string {
    return timeFormat({ weekday: style, timeZone: 'UTC' }).format(new Date(Date.UTC(2023, 0, 1 + index)));
}

export function plural(n: number, one: string, many: string = one + 's'): string {
    return `${count(n)} ${n === 1 ? one : many}`;
}

// Its begin and its end, where it has more characters: names of routes may differ in either.
export function shorten(text: string, most: number): string {
    const begin = Math.ceil((most - 1) / 2);
    return text.length <= most ? text : `${text.slice(0, begin)}…${text.slice(begin + 1 - most)}`;
}
