import type { Decision } from '../policy/decide.ts'
import type { DeviceRecord, EnrollmentRecord, InvitationRecord } from '../enrollment/records.ts'
import { html, type Markup } from './html.ts'
import { who } from './invitation-page.ts'
import type { Page } from './page.ts'
import { refusalWords } from './refusal-words.ts'

export type EnrollmentView = {
  enrollment: EnrollmentRecord
  invitation: InvitationRecord
  device: DeviceRecord | undefined
  /** `iPhone 3G`, where the catalogue knows the model */
  modelName: string | undefined
  /** what would be decided now, while the enrollment waits for somebody, because policy may have changed; and of a device that is locked out */
  decisionNow: Decision | undefined
}

/** Where one enrollment stands. Read-only: whoever knows its address can look and do nothing. */
export function statusPage(view: EnrollmentView): Page {
  const { enrollment, decisionNow } = view
  if (enrollment.lastError !== null && !(refusedByPolicy(enrollment.lastError) && isAgainst(decisionNow))) return page(view, 'This did not work', html`<p>${refusalWords(enrollment.lastError)}</p>`, enrollment.lastError)
  if (isAgainst(decisionNow)) return decided(view, decisionNow)
  switch (enrollment.state) {
    case 'invited': return page(view, 'Waiting for the phone', html`<p>Open <b>Settings</b> and tap <b>Profile Downloaded</b>.</p>`, undefined, 5)
    case 'allowed': return page(view, 'The phone is making its key', html`<p>This is ${model(view)}, and it was approved. Making the key takes a moment.</p>`, undefined, 5)
    case 'profiled': return page(view, 'Almost done', html`<p>The phone has its settings and is asking for its certificate.</p>`, undefined, 5)
    case 'issued': return page(view, 'The key is ready', html`<p>This is ${model(view)}. Its certificate was issued. Whether it is installed only the phone knows: it shows it in Settings.</p>`)
    case 'quarantined': return decisionNow === undefined ? decided(view, enrollment.decision!) : page(view, 'Approved',
      html`<p>It is ${model(view)}. Somebody has looked at it and said yes. Open your invitation again and tap <b>Start</b> once more.</p>`)
    case 'refused': return decided(view, enrollment.decision!)
  }
}

const refusedByPolicy = (code: string): boolean => code === 'blocked-by-policy' || code === 'quarantined-by-policy'
const isAgainst = (decision: Decision | undefined): decision is Decision => decision !== undefined && decision.verdict !== 'allow'

/** The outcome of a quarantine shows here too; the phone then downloads anew, because iOS has dropped what it had. */
function decided(view: EnrollmentView, { verdict, textForPerson, code }: Decision): Page {
  // An admin's own words need not name the model.
  const text = html`<p>${textForPerson}</p><p class="soft">The phone says of itself that it is ${model(view)}.</p>`
  if (verdict === 'block') return page(view, `This ${kind(view)} was refused`, text, code)
  return page(view, 'Somebody has to look at this first', html`${text}<p>This page changes by itself when it is decided.</p>`, code, 15)
}

const model = ({ modelName, device }: EnrollmentView): Markup =>
  modelName !== undefined ? html`an <b>${modelName}</b> (<code>${device?.productType}</code>)` : html`a model that is not known here (<code>${device?.productType ?? '?'}</code>)`

const kind = ({ device }: EnrollmentView): string => /^(iPhone|iPad|iPod)/.exec(device?.productType ?? '')?.[1] ?? 'device'

/** For programs: the simulated phone reads here what it was sent to this page for. */
function outcomeMark({ enrollment: { state, lastError }, decisionNow }: EnrollmentView): Markup | undefined {
  const verdict = decisionNow?.verdict ?? (state === 'quarantined' ? 'quarantine' : undefined)
  const waits = verdict === 'quarantine' && (lastError === null || refusedByPolicy(lastError))
  if (waits || lastError === 'quarantined-by-policy') return html` data-outcome="quarantined"`
  return lastError !== null || state === 'refused' || verdict === 'block' ? html` data-outcome="refused"` : undefined
}

function page(view: EnrollmentView, heading: string, text: Markup, code?: string, refreshSeconds?: number): Page {
  const body = html`${who(view.invitation)}
<section${outcomeMark(view)}><h1>${heading}</h1>${text}</section>
<section><h2>Whom to ask</h2><p>${view.invitation.template.contact}</p>${code !== undefined && html`<p class="soft">Name this: <code data-code="${code}">${code}</code></p>`}</section>
<p class="soft">Nothing is installed before the phone itself says so. A downloaded profile can be deleted in Settings.</p>`
  return { title: heading, room: 'phone', body, ...refreshSeconds === undefined ? {} : { refreshSeconds } }
}
