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
  /** what would be decided now: a quarantine may have been settled meanwhile */
  decisionNow: Decision | undefined
}

/** Where one enrollment stands. Read-only: whoever knows its address can look and do nothing. */
export function statusPage(view: EnrollmentView): Page {
  const { enrollment, decisionNow } = view
  if (enrollment.lastError !== null) return page(view, 'This did not work', html`<p>${refusalWords(enrollment.lastError)}</p>`, enrollment.lastError)
  switch (enrollment.state) {
    case 'invited': return page(view, 'Waiting for the phone', html`<p>Open <b>Settings</b> and tap <b>Profile Downloaded</b>.</p>`, undefined, 5)
    case 'allowed': return page(view, 'The phone is making its key', html`<p>This is ${model(view)}, and it was approved. Making the key takes a moment.</p>`, undefined, 5)
    case 'profiled': return page(view, 'Almost done', html`<p>The phone has its settings and is asking for its certificate.</p>`, undefined, 5)
    case 'issued': return page(view, 'The key is ready', html`<p>This is ${model(view)}. Its certificate was issued. Whether it is installed only the phone knows: it shows it in Settings.</p>`)
    case 'quarantined': return quarantined(view, decisionNow)
    case 'refused': return page(view, `This ${kind(view)} was refused`,
      html`<p>${enrollment.decision?.textForPerson ?? ''}</p>`, enrollment.decision?.code)
  }
}

/** The outcome shows here; the phone then downloads anew, because iOS has dropped what it had. */
function quarantined(view: EnrollmentView, now: Decision | undefined): Page {
  const { enrollment } = view
  if (now?.verdict === 'allow') return page(view, 'Approved', html`<p>It is ${model(view)}. Somebody has looked at it and said yes. Open your invitation again and tap <b>Start</b> once more.</p>`)
  if (now?.verdict === 'block') return page(view, `This ${kind(view)} was refused`, html`<p>${now.textForPerson}</p>`, now.code)
  return page(view, 'Somebody has to look at this first', html`<p>${enrollment.decision?.textForPerson ?? ''}</p><p>This page changes by itself when it is decided.</p>`, enrollment.decision?.code, 15)
}

const model = ({ modelName, device }: EnrollmentView): Markup =>
  modelName !== undefined ? html`an <b>${modelName}</b> (<code>${device?.productType}</code>)` : html`a model that is not known here (<code>${device?.productType ?? '?'}</code>)`

const kind = ({ device }: EnrollmentView): string => /^(iPhone|iPad|iPod)/.exec(device?.productType ?? '')?.[1] ?? 'device'

/** For programs: the simulated phone reads here what it was sent to this page for. */
function outcomeMark({ enrollment: { state, lastError }, decisionNow }: EnrollmentView): Markup | undefined {
  const verdict = state === 'quarantined' ? decisionNow?.verdict ?? 'quarantine' : undefined
  if (lastError === 'quarantined-by-policy' || (lastError === null && verdict === 'quarantine')) return html` data-outcome="quarantined"`
  return lastError !== null || state === 'refused' || verdict === 'block' ? html` data-outcome="refused"` : undefined
}

function page(view: EnrollmentView, heading: string, text: Markup, code?: string, refreshSeconds?: number): Page {
  const body = html`${who(view.invitation)}
<section${outcomeMark(view)}><h1>${heading}</h1>${text}</section>
<section><h2>Whom to ask</h2><p>${view.invitation.template.contact}</p>${code !== undefined && html`<p class="soft">Name this: <code data-code="${code}">${code}</code></p>`}</section>
<p class="soft">Nothing is installed before the phone itself says so. A downloaded profile can be deleted in Settings.</p>`
  return { title: heading, room: 'phone', body, ...refreshSeconds === undefined ? {} : { refreshSeconds } }
}
