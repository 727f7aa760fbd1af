import { html } from '../html.ts'
import { followSection, followedState, isAsked, time } from './enrollment-section.ts'
import { who } from './invitation-page.ts'
import { name, type PersonPage, type Reader } from './page.ts'
import { isEnding, situationOf, type EnrollmentView } from './progress.ts'

/** Where one enrollment stands. Read-only: whoever knows its address can look and do nothing. */
export function enrollmentPage(reader: Reader, view: EnrollmentView, renewalDays: number, now: Date): PersonPage {
  const { texts } = reader
  const address = `/i/e/${view.enrollment.id}/state`
  const followed = { view, address, heading: 1 } as const
  const state = followedState(reader, followed, now)
  const { key } = view
  const body = html`${who(reader, view.invitation)}
${key !== undefined && situationOf(view, now).kind === 'ready' && isEnding(key, renewalDays, now) && html`<section class="notice"><h2>${texts.renewalHeading}</h2><p>${texts.renewal(html`<b>${view.modelName ?? view.device?.productType ?? ''}</b>`, time(reader, key.notAfter))} ${texts.renewalElsewhere}</p></section>`}
${followSection(reader, followed, address, now)}
<p class="soft">${texts.nothingInstalled}</p>
${!isAsked(situationOf(view, now)) && html`<p class="soft">${texts.ask}: ${name(view.invitation.template.contact)}</p>`}`
  return { title: state.say, body, refreshSeconds: state.wait === null ? null : Math.max(state.wait, 5), follows: true }
}
