// Dialogs, on the browser's own element: it holds the focus and gives it back, and Escape closes it.
import { el, uniqueId } from './dom';
import { iconButton } from './icon';
import { errorText, keepToasts } from './toast';

export interface DialogButton {
    label: string;
    primary?: boolean;
    danger?: boolean;
    run?: () => Promise<boolean | void> | boolean | void; // false: the dialog stays open; what it throws is shown in it
}

export function openDialog(
    title: string,
    body: HTMLElement,
    buttons: DialogButton[],
    options: { wide?: boolean; onClose?: () => void } = {},
): { close(): void; buttons: HTMLButtonElement[] } {
    const id = uniqueId('dialog');
    const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
    const close = (): void => dialog.close();
    const rest = buttons.map((button) =>
        el(
            'button',
            {
                type: button.primary ? 'submit' : 'button',
                class: ['button', button.primary && 'primary', button.danger && 'danger'],
                onclick: button.primary ? null : () => void run(button),
            },
            button.label,
        ),
    );

    async function run(button: DialogButton): Promise<void> {
        problem.hidden = true;
        rest.forEach((each) => (each.disabled = true));
        form.setAttribute('aria-busy', 'true');
        try {
            if ((await button.run?.()) !== false) {
                close();
            }
        } catch (error) {
            problem.textContent = errorText(error);
            problem.hidden = false;
        }
        form.removeAttribute('aria-busy');
        rest.forEach((each) => (each.disabled = false));
    }
    const primary = buttons.find((button) => button.primary);
    const form = el(
        'form',
        {
            class: 'dialog-form',
            novalidate: false,
            onsubmit: (event: Event) => {
                event.preventDefault();
                if (primary) {
                    void run(primary);
                }
            },
        },
        el('header', { class: 'dialog-head' }, el('h2', { id }, title), iconButton('Close', 'close', close)),
        el('div', { class: 'dialog-body' }, body, problem),
        el('footer', { class: 'dialog-foot' }, rest),
    );
    const dialog = el(
        'dialog',
        {
            class: ['dialog', options.wide && 'wide'],
            'aria-labelledby': id,
            onclose: () => {
                keepToasts(dialog);
                dialog.remove();
                options.onClose?.();
            },
        },
        form,
    );
    document.body.append(dialog);
    dialog.showModal();
    const first = ['[data-focus]', ':is(input, select, textarea):not([readonly], :disabled)', 'input'];
    first
        .map((which) => body.querySelector<HTMLElement>(which))
        .find((control) => control)
        ?.focus();
    return { close, buttons: rest };
}

// Asks before something that cannot be taken back.
export function confirmDialog(title: string, text: string, action: string, run: () => Promise<void>): void {
    openDialog(title, el('p', {}, text), [{ label: 'Cancel' }, { label: action, primary: true, danger: true, run }]);
}

// A labelled control of a form.
export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
    const id = control.id || uniqueId('field');
    control.id = id;
    const hintId = `${id}-hint`;
    if (hint) {
        control.setAttribute('aria-describedby', hintId);
    }
    return el(
        'div',
        { class: 'field' },
        el('label', { for: id }, label),
        control,
        hint ? el('p', { class: 'hint', id: hintId }, hint) : null,
    );
}
