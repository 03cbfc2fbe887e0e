// Every page, in the order of the navigation.
import { alerts } from './pages/alerts';
import { averages } from './pages/averages';
import { codes } from './pages/codes';
import { costs } from './pages/costs';
import { days } from './pages/days';
import { errors } from './pages/errors';
import { latency } from './pages/latency';
import { metrics } from './pages/metrics';
import { overview } from './pages/overview';
import { report } from './pages/report';
import { settings } from './pages/settings';
import { top } from './pages/top';
import { traffic } from './pages/traffic';
import type { Page } from './page';

export const pages: Page[] = [
    overview,
    traffic,
    averages,
    top,
    codes,
    latency,
    metrics,
    report,
    costs,
    days,
    alerts,
    errors,
    settings,
];
