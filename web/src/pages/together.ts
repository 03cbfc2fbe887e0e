// One answer for several cards. When one of them asks again after a failure and gets it, all are loaded again.
import { shared } from '../api';

export function together<T>(ask: () => Promise<T>, loadAll: () => Promise<unknown>): () => Promise<T> {
    const asked = shared(ask);
    let failed = false;
    return async () => {
        try {
            const answer = await asked();
            if (failed) {
                failed = false;
                void loadAll();
            }
            return answer;
        } catch (error) {
            failed = true;
            throw error;
        }
    };
}
