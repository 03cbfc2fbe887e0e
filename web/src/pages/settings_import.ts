// A CSV file that makes or changes many at once: all of it, or nothing.
import { ApiError, sendTable } from '../api';
import { field, openDialog } from '../dialog';
import { el, replace } from '../dom';
import * as format from '../format';
import { icon } from '../icon';
import { toast } from '../toast';

interface Counts {
    created: number;
    changed: number;
    unchanged: number;
}

export function importButton(what: string, path: string, columns: string, done: () => Promise<void>): HTMLElement {
    return el(
        'button',
        {
            type: 'button',
            class: 'button',
            title: `Read ${what} from a CSV file`,
            onclick: () => openImport(what, path, columns, done),
        },
        icon('upload'),
        'Import',
    );
}

function openImport(what: string, path: string, columns: string, done: () => Promise<void>): void {
    const file = el('input', { type: 'file', class: 'input', accept: '.csv,text/csv', required: true });
    const wrong = el('div');
    const body = el(
        'div',
        { class: 'form' },
        el('p', {}, `What Export writes as CSV can be read here, with these columns: `, el('code', {}, columns), '.'),
        el(
            'p',
            { class: 'faint' },
            `It is all or nothing: when a line is wrong, nothing is changed. What is not in the file stays.`,
        ),
        field('CSV file', file),
        wrong,
    );
    const run = async (): Promise<boolean> => {
        const chosen = file.files?.[0];
        if (!chosen) {
            throw new Error('Choose a file.');
        }
        wrong.replaceChildren();
        try {
            const { created, changed, unchanged } = await sendTable<Counts>(path, chosen);
            toast(`${format.count(created)} new, ${format.count(changed)} changed, ${format.count(unchanged)} as before.`);
        } catch (error) {
            if (!(error instanceof ApiError) || !error.lines?.length) {
                throw error;
            }
            const lines = error.lines.map((each) => el('li', {}, `Line ${each.line}: ${each.message}`));
            replace(
                wrong,
                el('p', { class: 'problem', role: 'alert' }, error.message),
                el('ul', { class: 'problem-lines hint' }, lines),
            );
            return false;
        }
        await done();
        return true;
    };
    openDialog(`Import ${what}`, body, [{ label: 'Cancel' }, { label: 'Import', primary: true, run }]);
}
