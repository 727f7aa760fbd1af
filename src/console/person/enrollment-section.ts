import { createHash } from 'node:crypto'
import type { Decision } from '../../policy/decide.ts'
import { osName, quoted } from '../../policy/words.ts'
import { html, type Markup } from '../html.ts'
import { dayIn } from './language.ts'
import { name, type FollowedState, type Reader } from './page.ts'
import { lookAgainAfter, outcomeOf, situationOf, stepsOf, type EnrollmentView, type Situation, type StepName } from './progress.ts'
import type { ShownError } from './shown-errors.ts'

/** @property heading  of the section: 1 where it is the page, 2 where it stands on the invitation's */
export type Followed = { view: EnrollmentView, address: string, heading: 1 | 2 }

/** Where somebody else may have to help, and where the owner may try again. */
const asks = new Set<Situation['kind']>(['failed', 'refused', 'quarantined', 'held', 'revoked', 'approved', 'too-late'])
const startsAgain = new Set<Situation['kind']>(['failed', 'refused', 'approved', 'too-late'])

/** What follows an enrollment: a place that the script fills again and again, and a line that is read out. */
export function followSection({ texts }: Reader, followed: Followed | undefined, address: string, now: Date): Markup {
  const state = followed === undefined ? undefined : followedState({ texts }, followed, now)
  return html`<div id="follow" data-follow="${address}" data-version="${state?.version ?? ''}"${state?.wait != null && html` data-wait="${state.wait}"`}${state === undefined && html` hidden`}>${state?.content}</div>
<p id="say" class="unseen" role="status"></p>`
}

/** Whether the section says whom to ask. */
export const isAsked = ({ kind }: Situation): boolean => asks.has(kind)

type State = Omit<FollowedState, 'begun' | 'html'> & { content: Markup }

/** @returns the section, and when it is worth asking again */
export function followedState({ texts }: Pick<Reader, 'texts'>, { view, heading }: Followed, now: Date): State {
  const situation = situationOf(view, now)
  const title = headingOf({ texts }, view, situation)
  const content = html`<section${outcomeMark(situation)}>${heading === 1 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`}
${leadOf({ texts }, view, situation)}</section>
${progress({ texts }, view, situation)}
${isAsked(situation) && html`<section><h2>${texts.ask}</h2><p>${name(view.invitation.template.contact)}</p>${codeOf(texts.nameThis, situation)}</section>`}`
  return {
    version: createHash('sha256').update(content.text).digest('base64url').slice(0, 16),
    say: situation.kind === 'ready' && stepsOf(view, situation).seen === 'done' ? texts.progress.seen.done : title, content, steps: situation.kind === 'waiting', again: startsAgain.has(situation.kind), wait: lookAgainAfter(view, situation, now),
  }
}

function outcomeMark(situation: Situation): Markup | undefined {
  const outcome = outcomeOf(situation)
  return outcome === undefined ? undefined : html` data-outcome="${outcome}"`
}

function codeOf(nameThis: string, situation: Situation): Markup | undefined {
  const code = situation.kind === 'failed' ? situation.code : 'decision' in situation ? situation.decision.code : undefined
  return code === undefined ? undefined : html`<p class="soft">${nameThis} <code data-code="${code}">${code}</code></p>`
}

function headingOf({ texts: { status } }: Pick<Reader, 'texts'>, { device }: EnrollmentView, { kind }: Situation): string {
  switch (kind) {
    case 'too-late': return status.tooLate
    case 'refused': return status.refused(/^(iPhone|iPad|iPod)/.exec(device?.productType ?? '')?.[1])
    default: return status[kind]
  }
}

function leadOf(reader: Pick<Reader, 'texts'>, view: EnrollmentView, situation: Situation): Markup {
  const { texts } = reader
  const { status } = texts
  const model = modelOf(reader, view)
  switch (situation.kind) {
    case 'waiting': return html`<p>${status.waitingText}</p>`
    case 'too-late': return html`<p>${status.tooLateText}</p>`
    case 'making': return html`<p>${status.makingText(model)}</p>`
    case 'almost': return html`<p>${status.almostText}</p>`
    case 'ready': return html`<p>${status.readyText(model)}</p>${view.key !== undefined && html`<p>${status.goodUntil(time(reader, view.key.notAfter))}</p>`}`
    case 'over': return html`<p>${status.overText(model, time(reader, view.key!.notAfter))} ${texts.renewalElsewhere}</p>`
    case 'replaced': return html`<p>${status.replacedText(model)}</p>`
    case 'held': return html`<p>${status.heldText(model)}</p>`
    case 'revoked': return html`<p>${status.revokedText(model)}</p>`
    case 'approved': return html`<p>${status.approvedText(model)}</p>`
    case 'failed': return html`<p>${texts.errors[situation.code as ShownError] ?? texts.otherError}</p>${view.device !== undefined && html`<p class="soft">${status.saysOfItself(model)}</p>`}`
    case 'refused': return decisionWords(reader, situation.decision, model)
    case 'quarantined': return html`${decisionWords(reader, situation.decision, model)}<p>${status.quarantinedText}</p>`
  }
}

/** The decision's facts in the reader's language; what was decided before facts were kept stands as it was written then. */
function decisionWords({ texts }: Pick<Reader, 'texts'>, { forPerson, textForPerson, verdict }: Decision, model: Markup): Markup {
  const { decision, status } = texts
  // An admin's own words need not name the model.
  const says = html`<p class="soft">${status.saysOfItself(model)}</p>`
  if (forPerson === undefined) return html`<p>${textForPerson}</p>${says}`
  const [why, rule, help] = [decision.why(forPerson), decision.rule(forPerson), decision.help(forPerson)]
  const names = forPerson.ownWords === undefined && forPerson.said !== null && why.includes(forPerson.said)
  return html`<p>${name(why)}</p>${rule !== undefined && html`<p>${rule}</p>`}${!names && says}
${verdict === 'block' ? forPerson.ownWords === undefined && html`<p class="help"><b>${status.helps}</b><br>${help ?? status.otherDevice}</p>` : help !== undefined && html`<p>${help}</p>`}`
}

export const modelOf = ({ texts: { status } }: Pick<Reader, 'texts'>, { modelName, device }: Pick<EnrollmentView, 'modelName' | 'device'>): Markup =>
  modelName !== undefined ? status.model(modelName, device?.productType ?? '?') : status.unknownModel(device?.productType ?? '?')

export const time = ({ texts }: Pick<Reader, 'texts'>, instant: Date): Markup => html`<time datetime="${instant.toISOString()}">${dayIn(texts, instant)}</time>`

const marks = { later: '○', now: '◌', done: '✓', stop: '✕' } as const
const order: readonly StepName[] = ['known', 'decided', 'issued', 'seen']

function progress({ texts }: Pick<Reader, 'texts'>, view: EnrollmentView, situation: Situation): Markup {
  const steps = stepsOf(view, situation)
  const item = (state: keyof typeof marks, text: string, more?: Markup | false): Markup =>
    html`<li class="is-${state}"><span class="mark" aria-hidden="true">${marks[state]}</span><span>${text}<span class="unseen"> (${texts.marks[state]})</span>${more}</span></li>
`
  const { device, modelName } = view
  const os = systemOf(view)
  // What is not to be has nothing after it.
  const shown = order.filter(step => steps[step] !== 'later' || !order.some(other => steps[other] === 'stop'))
  return html`<section class="live"><h2>${texts.progressHeading}</h2><ol>${item('done', texts.progress.downloaded)}${shown.map(step =>
    item(steps[step], texts.progress[step][steps[step]], step === 'known' && device !== undefined && html`: ${modelName ?? device.productType}${os !== undefined && `, ${os}`}`))}</ol></section>`
}

/** `iOS 18.6`, where the decision knew it. */
function systemOf({ enrollment: { decision }, device }: EnrollmentView): string | undefined {
  const version = decision?.known.osVersion?.value
  return version === undefined ? undefined : `${osName(device?.productType.startsWith('iPad') === true ? 'iPad' : undefined, version)} ${quoted(version)}`
}
