// A form in a dialog, made from a list of fields. What the server refuses is shown at the field that it names.
import { ApiError } from './api';
import { openDialog } from './dialog';
import { el, uniqueId, type Child } from './dom';

export type FieldKind = 'text' | 'number' | 'select' | 'lines' | 'switch' | 'several' | 'date';
export type Value = string | string[] | boolean;
export type Values = Record<string, Value>;

export interface FormField {
    name: string; // as the server calls it
    label: string;
    kind?: FieldKind;
    hint?: string;
    required?: boolean;
    fixed?: boolean; // shown, but not to be changed
    value?: Value | number | null;
    options?: [value: string, label: string][]; // of select and several
    suggestions?: string[]; // of text
    placeholder?: string;
    least?: number; // of number
    half?: boolean; // beside another one, where there is room
    when?: (values: Values) => boolean; // else it is neither shown nor sent
}

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement | HTMLFieldSetElement;

export function textOf(values: Values, name: string): string {
    const value = values[name];
    return typeof value === 'string' ? value.trim() : '';
}

export function listOf(values: Values, name: string): string[] {
    const value = values[name];
    return Array.isArray(value) ? value : [];
}

export function numberOf(values: Values, name: string): number | null {
    const text = textOf(values, name);
    return text ? Number(text) : null;
}

function choices(given: FormField): HTMLFieldSetElement {
    const chosen = Array.isArray(given.value) ? given.value : [];
    const boxes = (given.options ?? []).map(([value, label]) =>
        el('label', { class: 'choice' }, el('input', { type: 'checkbox', value, checked: chosen.includes(value) }), label),
    );
    return el('fieldset', { class: 'choices' }, el('legend', {}, given.label), boxes);
}

function control(given: FormField): { control: Control; more?: Child } {
    const text = Array.isArray(given.value) ? given.value.join('\n') : String(given.value ?? '');
    const usual = { name: given.name, class: 'input', required: given.required, placeholder: given.placeholder ?? null };
    switch (given.kind ?? 'text') {
        case 'lines':
            return { control: el('textarea', { ...usual, value: text, rows: 5, spellcheck: 'false' }) };
        case 'several':
            return { control: choices(given) };
        case 'switch':
            return { control: el('input', { name: given.name, type: 'checkbox', checked: given.value === true }) };
        case 'select': {
            const options = (given.options ?? []).map(([value, label]) => el('option', { value, selected: value === text }, label));
            return { control: el('select', { ...usual, disabled: given.fixed }, options) };
        }
        case 'number':
            return { control: el('input', { ...usual, type: 'number', min: given.least ?? 0, step: 'any', value: text }) };
        case 'date':
            return { control: el('input', { ...usual, type: 'date', value: text }) };
        default: {
            const id = uniqueId('suggestions');
            const list = given.suggestions?.length
                ? el(
                      'datalist',
                      { id },
                      given.suggestions.map((each) => el('option', { value: each })),
                  )
                : null;
            const input = el('input', {
                ...usual,
                type: 'text',
                value: text,
                readonly: given.fixed,
                list: list ? id : null,
                autocomplete: 'off',
                spellcheck: 'false',
            });
            return { control: input, more: list };
        }
    }
}

class Field {
    readonly root: HTMLElement;
    readonly control: Control;
    private readonly problem: HTMLElement;

    constructor(readonly given: FormField) {
        const made = control(given);
        const id = uniqueId('field');
        this.control = made.control;
        this.control.id = id;
        this.problem = el('p', { class: 'field-problem', id: `${id}-problem`, role: 'alert', hidden: true });
        const hint = given.hint ? el('p', { class: 'hint', id: `${id}-hint` }, given.hint) : null;
        this.control.setAttribute('aria-describedby', [hint && `${id}-hint`, `${id}-problem`].filter(Boolean).join(' '));
        const label = el('label', { for: id }, given.label);
        const parts: Child[] =
            given.kind === 'switch'
                ? [el('div', { class: 'choice bare' }, this.control, label)]
                : given.kind === 'several'
                  ? [this.control]
                  : [label, this.control];
        this.root = el('div', { class: ['field', given.half && 'half'] }, parts, made.more, hint, this.problem);
    }

    value(): Value {
        const { control: at, given } = this;
        if (at instanceof HTMLFieldSetElement) {
            return [...at.querySelectorAll<HTMLInputElement>('input:checked')].map((box) => box.value);
        }
        if (given.kind === 'switch') {
            return (at as HTMLInputElement).checked;
        }
        if (given.kind === 'lines') {
            return at.value
                .split('\n')
                .map((line) => line.trim())
                .filter(Boolean);
        }
        return at.value;
    }

    show(on: boolean): void {
        this.root.hidden = !on;
        this.control.disabled = !on || (this.given.kind === 'select' && this.given.fixed === true);
    }

    say(problem: string | null): void {
        this.problem.textContent = problem ?? '';
        this.problem.hidden = !problem;
        if (problem) {
            this.control.setAttribute('aria-invalid', 'true');
            (this.control instanceof HTMLFieldSetElement ? this.control.querySelector('input') : this.control)?.focus();
        } else {
            this.control.removeAttribute('aria-invalid');
        }
    }
}

class Form {
    readonly root: HTMLElement;
    private readonly fields: Field[];

    constructor(given: FormField[], intro: Child) {
        this.fields = given.map((each) => new Field(each));
        const note = intro ? el('p', { class: 'faint' }, intro) : null;
        const parts = this.fields.map((each) => each.root);
        this.root = el('div', { class: 'form two', oninput: () => this.follow(), onchange: () => this.follow() }, note, parts);
        this.follow();
    }

    values(): Values {
        return Object.fromEntries(this.fields.filter(({ root }) => !root.hidden).map((each) => [each.given.name, each.value()]));
    }

    // Whether the refusal is about a field of this form.
    refuse(error: ApiError): boolean {
        const name = (error.field ?? '').replace(/[[.].*$/, '');
        const isMeant = (own: string): boolean => own === name || (own === 'id' && name.endsWith('Id')); // of the path
        const field = this.fields.find((each) => isMeant(each.given.name) && !each.root.hidden);
        this.fields.forEach((each) => each.say(null));
        field?.say(error.message);
        return field !== undefined;
    }

    private follow(): void {
        const all = Object.fromEntries(this.fields.map((each) => [each.given.name, each.value()]));
        this.fields.forEach((each) => each.show(each.given.when?.(all) ?? true));
    }
}

export interface FormOptions {
    action?: string; // what the button says
    intro?: Child;
}

// `submit` does it; what it throws stays in the dialog. What it returns is done when the dialog is closed.
export function openForm(
    title: string,
    fields: FormField[],
    submit: (values: Values) => Promise<(() => void) | void>,
    options: FormOptions = {},
): void {
    const form = new Form(fields, options.intro);
    let after: (() => void) | void;
    const run = async (): Promise<boolean> => {
        try {
            after = await submit(form.values());
            return true;
        } catch (error) {
            if (error instanceof ApiError && form.refuse(error)) {
                return false;
            }
            throw error;
        }
    };
    const buttons = [{ label: 'Cancel' }, { label: options.action ?? 'Save', primary: true, run }];
    openDialog(title, form.root, buttons, { onClose: () => after?.() });
}
