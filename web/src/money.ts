// Amounts are integers, in millionths of a currency's unit, as the server counts them.
const LOCALE = navigator.language || 'en';
const MICROS = 1_000_000;

// For people, rounded to the currency's own decimals; prices of very little keep theirs.
export function money(micros: number | null | undefined, currency: string, exact = false): string {
    if (micros === null || micros === undefined) {
        return '–';
    }
    const digits = exact ? { maximumFractionDigits: 6 } : {};
    return new Intl.NumberFormat(LOCALE, { style: 'currency', currency, ...digits }).format(micros / MICROS);
}

// As it is typed: 1.50; null if it is no amount.
export function toMicros(text: string): number | null {
    const parts = /^(\d{1,9})(?:[.,](\d{1,6}))?$/.exec(text.trim());
    return parts ? Number(parts[1]) * MICROS + Number((parts[2] ?? '').padEnd(6, '0')) : null;
}

export function fromMicros(micros: number): string {
    const rest = String(micros % MICROS).padStart(6, '0');
    return `${Math.floor(micros / MICROS)}.${rest.replace(/0{1,4}$/, '')}`;
}
