import type { Context } from 'koa'
import type { z } from 'zod'
import { doesNotProve } from '../../devices/evidence.ts'
import type { decisionView } from '../../protocols/api/operations/decision-view.ts'
import type { DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { inventoryFacts } from '../inventory/facts.ts'
import { linkInto, personLink } from '../links.ts'
import { activeSyncSection } from '../phones/activesync-section.ts'
import { modelWords, named } from '../status-words.ts'
import { keyWords } from './queue-page.ts'
import { choices, csrfField, field, grade, problem, when } from '../words.ts'

export type Decided = z.input<typeof decisionView>
export type DecideValues = { scope?: string, reason?: string, until?: string, refusal?: string, text?: string }
/** @property alike  how many wait that say they are the same model, this one included */
export type DecidePage = { device: DeviceDetail, decision: Decided, alike: number, mayDecide: boolean, values: DecideValues, mistakes: { approve?: string, refuse?: string }, now: Date }

export function decidePage(ctx: Context, page: DecidePage): Markup {
  const { device, decision, mayDecide } = page
  return html`<section><p class="soft"><a href="/console/quarantine">Quarantine</a></p><h1>Let ${personLink(device.personId, device.personName)}’s ${device.modelName ?? 'phone'} in?</h1>
${isHeld(device) && html`<p>${keyWords('held')}Its certificate is on hold.</p>`}${holdsKey(device) && html`<p>${keyWords('good')}Its certificate is good still, and cannot be renewed as policy stands.</p>`}<p>${named(decision.textForAdmin)}</p><p class="soft"><code>${decision.code}</code></p></section>
<section><h2>What is known</h2>${facts(page)}</section>
${activeSyncSection(ctx, { device, mayAccept: false, mistake: undefined, now: page.now })}
${mayDecide ? html`<div class="two">${approveForm(ctx, page)}${refuseForm(ctx, page)}</div>` : html`<section><p>Deciding needs the role operator.</p></section>`}`
}

/** Set aside after it had its certificate: by what it claimed at a front end, or by a change of policy. */
export const holdsKey = ({ certificates }: Pick<DeviceDetail, 'certificates'>): boolean => certificates.some(({ status }) => status === 'good')

export const isHeld = ({ certificates }: Pick<DeviceDetail, 'certificates'>): boolean => certificates[0]?.status === 'held'

function facts({ device, decision, now }: DecidePage): Markup {
  const { known, because } = decision
  return html`<dl class="facts">
<div><dt>Person</dt><dd>${personLink(device.personId, device.personName)}, ${named(device.personEmail)}${device.enrollment !== null && html`, by ${linkInto('invitations', `/console/invitations/${device.enrollment.invitationId}`, 'this invitation')}`}</dd></div>
<div><dt>Model</dt><dd>${modelWords(device)}, ${grade(device.grade, device.test)}${!known.inCatalogue && html`<br>The catalogue does not have this model. It may be newer than the catalogue, or an invention.`}
<p class="soft"><b>What that does not prove.</b> ${doesNotProve[device.grade]}${device.test && html` ${doesNotProve.test}`}</p></dd></div>
<div><dt>Version</dt><dd>${known.osVersion === null ? 'not said' : named(known.osVersion.value)}${known.build !== null && html`, build <code>${named(known.build.value)}</code>`}${known.buildRanOnModel === false && html`<br>This build was never published for this model, as far as the catalogue knows.`}</dd></div>
<div><dt>Serial number</dt><dd><code>${named(device.serialNumber)}</code><p class="soft">Compare it with Settings, General, About on the phone, or with the bill.</p></dd></div>
${inventoryFacts(device)}<div><dt>Set aside by</dt><dd>${because.kind === 'rule' ? html`the rule ${linkInto('policy', '/console/policy', `“${because.reason}”`)}` : named(because.reason)}</dd></div>
<div><dt>Waits since</dt><dd>${when(new Date(device.enrollment?.decidedAt ?? device.createdAt), now)}</dd></div>
<div><dt>More</dt><dd><a href="/console/phones/${device.id}">The phone’s story and what it signed</a></dd></div></dl>`
}

function approveForm(ctx: Context, { device, alike, values, mistakes }: DecidePage): Markup {
  return html`<section><h2>Approve</h2><p>The phone may come in under this invitation, before all rules. ${isHeld(device) ? 'What a change of policy holds of it is good again at once; nothing has to be installed.' : holdsKey(device) ? 'It goes on with the certificate that it has.' : 'Its owner opens the invitation again and taps Start once more.'}</p>
${problem(mistakes.approve)}<form method="post" action="/console/quarantine/${device.id}/approve">${csrfField(ctx)}
${alike > 1 && choices({
  legend: 'Which', name: 'scope', value: values.scope ?? 'device',
  options: [{ value: 'device', text: 'This phone' }, { value: 'model', text: html`All ${alike} that wait and say they are ${named(device.modelName ?? device.productType)}`, hint: 'Each gets an exemption of its own; phones that come later wait again. Those that policy refuses only an admin lets in.' }],
})}
${field({ label: 'Why', name: 'reason', required: true, maxlength: 2000, value: values.reason ?? '', hint: 'For the record: how you made sure.' })}
${field({ label: 'Last day', name: 'until', type: 'date', value: values.until ?? '', hint: 'Left empty: as long as a certificate lives. No certificate outlives it.' })}
<button class="main" type="submit">Approve</button></form></section>`
}

function refuseForm(ctx: Context, { device, decision, values, mistakes }: DecidePage): Markup {
  return html`<section><h2>Refuse</h2><p>The phone stays out under this invitation, also when it comes again.${(isHeld(device) || holdsKey(device)) && decision.because.kind !== 'exemption' && ' The certificate that it holds is revoked, which cannot be taken back.'}</p>
${problem(mistakes.refuse)}<form method="post" action="/console/quarantine/${device.id}/refuse">${csrfField(ctx)}
${field({ label: 'Reason for the record', name: 'refusal', required: true, maxlength: 2000, value: values.refusal ?? '', hint: 'Not shown to the phone’s owner.' })}
${field({ label: 'What its owner reads', name: 'text', type: 'textarea', rows: 3, maxlength: 2000, value: values.text ?? '', hint: 'What was found, why it matters, what would help, whom to ask. Left empty, Latchkey says that an administrator has blocked this phone.' })}
<button class="stop" type="submit">Refuse</button></form></section>`
}
