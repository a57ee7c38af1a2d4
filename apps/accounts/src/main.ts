import { runService } from '@countersign/service-host/run';

runService(() => import('./start.js'));
