import type { Overview } from '../../protocols/api/operations/overview.ts'
import { standingWords } from '../front-ends/words.ts'
import { html, type Markup } from '../html.ts'
import { linkInto, personLink } from '../links.ts'
import { sections } from '../sections.ts'
import { when } from '../words.ts'

/** @property count  how many things need somebody; what is shown may be fewer, and says so */
export type Needs = { count: number, items: readonly Markup[] }

/** What needs a person now, the dangerous first: what, why, and the way on. */
export function needsOf(o: Overview, now: Date): Needs {
  const dangers = o.warnings.filter(({ danger }) => danger).map(({ text }) => item(html`<b>Danger.</b> ${text}`))
  const late = [
    ...o.lists.filter(list => list.late).map(({ authority, nextUpdate }) =>
      item(html`<b>The list of ${authority}</b> was not renewed in time. When it runs out, front ends refuse everybody.`, html`it runs out ${when(new Date(nextUpdate), now)}${authority === 'root' && html` · bring the root’s key back once: <code>npx latchkey authority root-crl</code>`}`)),
    ...o.signers.filter(signer => signer.late).map(({ authority, purpose, notAfter }) =>
      item(html`<b>A signer of ${authority}</b> (${purpose}) ends soon and was not renewed.`, html`it ends ${when(new Date(notAfter), now)}`)),
  ]
  const failing = o.frontEnds.map(({ name, standing, heardAt }) =>
    item(html`<b>The front end ${name}</b> ${standingWords[standing]}`, html`its agent was heard ${when(new Date(heardAt), now)}`, html`<a class="button" href="/console/front-ends/${name}">Look at it</a>`))
  const lost = o.messagesGivenUp === 0 ? [] : [item(html`<b>${o.messagesGivenUp === 1 ? 'One message' : `${o.messagesGivenUp} messages`}</b> could not be delivered and ${o.messagesGivenUp === 1 ? 'was' : 'were'} given up after a day of trying. The log says why.`, html`in the last seven days`)]
  const phones = quarantined(o, now)
  const claims = contradicting(o, now)
  const ends = o.ending.count === 0 ? [] : [ending(o, now)]
  return { count: dangers.length + failing.length + late.length + lost.length + o.quarantined.count + o.contradictions.count + ends.length, items: [...dangers, ...failing, ...late, ...phones, ...claims, ...ends, ...lost] }
}

const item = (text: Markup, more?: Markup, action?: Markup | false): Markup =>
  html`<li><p>${text}</p>${action !== undefined && action !== false && html`<div class="actions">${action}</div>`}${more !== undefined && html`<p class="soft">${more}</p>`}</li>
`

const has = (section: string): boolean => sections.some(({ id }) => id === section)

function quarantined({ quarantined: { count, items } }: Overview, now: Date): Markup[] {
  const each = items.map(({ deviceId, personId, personName, modelName, productType, since, reason }) => item(
    html`<b>${personLink(personId, personName)}’s ${modelName ?? productType}</b> waits for a decision.${reason !== null && ` ${reason}`}`,
    since === null ? undefined : html`since ${when(new Date(since), now)}`,
    decide(deviceId),
  ))
  const others = count - items.length
  return others <= 0 ? each : [...each, item(html`<b>${count > 100 ? 'More than 95' : others} further ${others === 1 ? 'phone waits' : 'phones wait'}</b> for a decision.`, undefined, has('quarantine') && html`<a class="button" href="/console/quarantine">See all</a>`)]
}

function contradicting({ contradictions: { count, items } }: Overview, now: Date): Markup[] {
  const each = items.map(({ deviceId, personId, personName, modelName, productType, sentence, foundAt }) => item(
    html`<b>${personLink(personId, personName)}’s ${modelName ?? productType}</b> contradicts its certificate. ${sentence}`,
    html`since ${when(new Date(foundAt), now)}`, has('phones') && html`<a class="button" href="/console/phones/${deviceId}#activesync">Look at it</a>`,
  ))
  const others = count - items.length
  return others <= 0 ? each : [...each, item(html`<b>${count > 100 ? 'More than 95' : others} further ${others === 1 ? 'phone contradicts its certificate' : 'phones contradict their certificates'}</b>.`, undefined, has('policy') && html`<a class="button" href="/console/policy/activesync">See all</a>`)]
}

/** To the queue where there is one, else to the phone's own page. */
const decide = (deviceId: string): Markup | false =>
  has('quarantine') ? html`<a class="button main" href="/console/quarantine">Decide</a>` : has('phones') && html`<a class="button main" href="/console/phones/${deviceId}">Look at it</a>`

function ending({ ending: { count, items } }: Overview, now: Date): Markup {
  const [first] = items
  const many = count > 100 ? 'More than 100 certificates' : count === 1 ? 'One certificate' : `${count} certificates`
  return item(
    html`<b>${many}</b> ${count === 1 ? 'ends' : 'end'} within 14 days on phones that have no later one. ${count === 1 ? 'Its owner enrolls' : 'Their owners enroll'} again with an invitation.`,
    html`first: ${items.slice(0, 3).map(({ deviceId, personId, personName, modelName, productType, notAfter }, index) => html`${index > 0 && ', '}${personLink(personId, personName)}’s ${linkInto('phones', `/console/phones/${deviceId}`, modelName ?? productType)} ${when(new Date(notAfter), now)}`)}`,
    first !== undefined && has('invitations') && html`<a class="button" href="/console/invitations/many">Invite them</a>`,
  )
}
