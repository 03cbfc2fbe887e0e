// Who is signed in. The server keeps a token for the session, of which the browser has only a cookie that scripts cannot read.
import { ApiError, get, send } from './api';

export interface Session {
    name: string;
    organization: string | null; // null: may see all
    client: string | null;
    permissions: string[];
    organizations: string[]; // those that may be chosen
    moreOrganizations?: boolean; // there are more than the list has
}

export async function loadSession(): Promise<Session | null> {
    try {
        return await get<Session>('/session');
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
            return null;
        }
        throw error;
    }
}

export async function signIn(proof: { token: string } | { code: string }): Promise<void> {
    await send<void>('POST', '/session', proof);
}

export async function signOut(): Promise<void> {
    await send<void>('DELETE', '/session');
}

// Any one of them; an administrator may do everything.
export function may(session: Session, ...permissions: string[]): boolean {
    return session.permissions.includes('admin') || permissions.some((name) => session.permissions.includes(name));
}
