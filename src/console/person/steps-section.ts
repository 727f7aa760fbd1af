import type { InvitationRecord } from '../../enrollment/records.ts'
import { html, type Markup } from '../html.ts'
import type { BrowserWords } from './browser-words.ts'
import { allowDrawing, installDrawing, openDrawing } from './drawings.ts'
import type { Reader } from './page.ts'

/**
 * @property verified  whether phones show our signature as verified
 * @property hidden  shown by the script once somebody has started
 */
type Offer = { invitation: InvitationRecord, token: string, browser: BrowserWords, verified: boolean, hidden: boolean }

/** What to tap after Start, as this iOS words it. */
export const nextSteps = ({ texts }: Reader, { invitation, browser: { ios }, hidden }: Offer): Markup => html`<section data-steps${hidden && html` hidden`}><h2 id="next" tabindex="-1">${texts.stepsHeading}</h2><ol class="steps">
<li><div><p>${texts.steps.allow}</p>${allowDrawing(texts, ios)}</div></li>
<li><div><p>${texts.steps.open(ios)}</p>${openDrawing(texts, ios)}</div></li>
<li><div><p>${texts.steps.install}</p>${installDrawing(texts, ios, invitation.template.organization)}</div></li>
<li><div><p>${texts.steps.back}</p></div></li></ol></section>`

/** What to do when the phone shows something else. */
export function troubles({ texts: { trouble, troubleHeading, startAgain } }: Reader, { token, verified, hidden }: Offer): Markup {
  const address = `/ota/${token}/enroll.mobileconfig`
  return html`<p data-again hidden><a class="button main" href="${address}" data-start>${startAgain}</a></p>
<section data-steps${hidden && html` hidden`}><h2>${troubleHeading}</h2><ul class="trouble"><li>${trouble.gone(html`<a href="${address}" data-start>${trouble.goneLink}</a>`)}</li>
${!verified && html`<li>${trouble.unverified}</li>`}<li>${trouble.stolen}</li><li>${trouble.lockdown}</li></ul></section>`
}
