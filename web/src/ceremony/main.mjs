/** The ceremony's two pages: what the hall sees, and beside it the operator's desk. The path says which one this is. */

import { startHall } from './hall.mjs';
import { startDesk } from './desk.mjs';

if (location.pathname === '/operator') startDesk();
else startHall();
