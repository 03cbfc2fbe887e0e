// A secret that is shown once: to be copied, and never to be had again.
import { openDialog } from './dialog';
import { el } from './dom';
import { icon } from './icon';
import { toast } from './toast';

export function showSecret(
    title: string,
    label: string,
    secret: string,
    note: string,
    onClose: () => void = () => undefined,
): void {
    const input = el('input', {
        class: 'input mono',
        readonly: true,
        'data-focus': true,
        value: secret,
        'aria-label': label,
        onfocus: () => input.select(),
    });
    const copy = async (): Promise<boolean> => {
        input.select();
        if (!navigator.clipboard) {
            toast('Copy it with the keyboard: it is selected.');
            return false;
        }
        await navigator.clipboard.writeText(secret);
        toast('Copied.');
        return false;
    };
    const body = el(
        'div',
        { class: 'form' },
        el(
            'div',
            { class: 'notice warn' },
            icon('lock'),
            el('span', {}, 'It is shown this once. Keep it where only its user can read it.'),
        ),
        input,
        el('p', { class: 'hint' }, note),
    );
    openDialog(title, body, [{ label: 'Copy', primary: true, run: copy }, { label: 'Done' }], { onClose });
}
