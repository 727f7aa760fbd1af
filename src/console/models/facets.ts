/** What the catalogue can be narrowed by. Every choice is a link, so that it can be sent to a colleague. */
import type { Context } from 'koa'
import { presets } from '../../devices/presets.ts'
import type { ModelView } from '../../protocols/api/operations/models.ts'
import { html, type Markup } from '../html.ts'
import { address } from '../perform.ts'
import { csrfField } from '../words.ts'

type Facet = { name: string, label: string, values: readonly { value: string, text: string, matches: (model: ModelView) => boolean }[] }

const yesNo = (name: string, label: string, yes: string, no: string, of: (model: ModelView) => boolean | null): Facet => ({
  name, label, values: [{ value: 'yes', text: yes, matches: model => of(model) === true }, { value: 'no', text: no, matches: model => of(model) !== true }],
})

const families = ['iPhone', 'iPad', 'iPod touch', 'Mac', 'Apple Watch', 'Apple TV', 'Apple Vision']

export const facets: readonly Facet[] = [
  {
    name: 'family', label: 'Family',
    values: families.map(family => ({ value: family, text: family, matches: model => model.family === family })),
  },
  yesNo('storage', 'Storage encryption', 'encrypts its storage', 'does not, or nobody says', model => model.storageEncryption),
  yesNo('enclave', 'Secure Enclave', 'has one', 'has none', model => model.secureEnclave),
  yesNo('attests', 'Attests its model', 'can', 'cannot', model => model.attestsModel),
  yesNo('supported', 'New versions', 'still gets them', 'does not, or nobody says', model => model.stillSupported),
  yesNo('seen', 'Seen here', 'yes', 'no', model => model.seen),
  yesNo('approved', 'Approved', 'yes', 'no', model => model.approvals.length > 0),
]

export type Chosen = Readonly<Record<string, string>>

/** What the address asks for; what is no choice of ours is left out. */
export function chosenIn(query: (name: string) => string): Chosen {
  const given = facets.flatMap(({ name, values }) => values.some(({ value }) => value === query(name)) ? [[name, query(name)] as const] : [])
  return Object.fromEntries([...given, ...query('q') === '' ? [] : [['q', query('q').slice(0, 100)] as const]])
}

/** Phones first, the newest of each family first. */
const byInterest = (a: ModelView, b: ModelView): number =>
  families.indexOf(a.family) - families.indexOf(b.family) || (b.released ?? '').localeCompare(a.released ?? '') || a.name.localeCompare(b.name)

export function narrowed(models: readonly ModelView[], chosen: Chosen): ModelView[] {
  const words = (chosen['q'] ?? '').toLowerCase()
  const asked = facets.flatMap(({ name, values }) => values.filter(({ value }) => value === chosen[name]))
  return models.filter(model => asked.every(({ matches }) => matches(model)) && (words === '' || `${model.name} ${model.identifier}`.toLowerCase().includes(words))).sort(byInterest)
}

export const facetLinks = (chosen: Chosen): Markup => html`<dl class="facet-list">${facets.map(({ name, label, values }) => html`<div><dt>${label}</dt><dd class="facets">${values.map(({ value, text }) => {
  const isChosen = chosen[name] === value
  return html`<a href="${address('/console/models', { ...chosen, [name]: isChosen ? undefined : value })}"${isChosen && html` aria-current="true"`}>${text}</a>`
})}</dd></div>
`)}</dl>`

/** Presets in the order in which they ask for more. */
export const presetLinks = (): Markup => html`<ul class="presets">${Object.values(presets).map(({ name, words, why }) => html`<li><a href="${address('/console/models/approve', { preset: name })}">Approve all models ${words}</a><br><span class="soft">${why}</span></li>`)}</ul>`

/** Approvals of single models only: what a wildcard approves as well stays approved. */
export const presetWithdrawals = (ctx: Context): Markup => html`<p>Whose certificates that reaches is shown first.</p><ul class="presets">${Object.values(presets).map(({ name, words }) => html`<li><form method="post" action="/console/models/withdraw">${csrfField(ctx)}<input type="hidden" name="preset" value="${name}"><button class="plain" type="submit">Withdraw those of all models ${words}…</button></form></li>`)}</ul>`

export const byWildcard: Markup = html`<form method="get" action="/console/models/approve" class="actions"><label for="f-pattern">By product type, with <code>*</code> and <code>?</code>, for models that come later too</label>
<input id="f-pattern" name="pattern" maxlength="64" placeholder="iPhone1?,*" spellcheck="false" autocapitalize="none" required><button type="submit">See what it names</button></form>`
