import { canErase, consequencesOf, type Consequence } from '../../enrollment/consequences.ts'
import type { Template } from '../../enrollment/template.ts'
import { html, type Markup } from '../html.ts'
import { name, type Reader } from './page.ts'

/** Under which question of the owner a consequence is the answer. */
const questionOf = {
  'mail-account-added': 'installed', 'wifi-added': 'installed', 'vpn-added': 'installed', 'home-screen-link-added': 'installed',
  'identity-added': 'installed', 'authority-added': 'installed',
  'mail-server-can-erase': 'powers', 'mail-server-can-require-passcode': 'powers', 'mail-server-sees-phone': 'powers',
  'mail-cannot-be-moved': 'rules', 'mail-only-in-mail-app': 'rules', 'passcode-required': 'rules', 'failed-passcodes-erase': 'rules',
  'passcode-expires': 'rules', 'passcode-history': 'rules', 'locks-when-idle': 'rules', 'backups-encrypted': 'rules',
  'owner-can-remove': 'undo',
} as const satisfies Record<Consequence['code'], 'installed' | 'rules' | 'powers' | 'undo'>

/** The questions of a worried reader, answered from the template. */
export function questions({ texts }: Reader, template: Template, begun: boolean): Markup {
  const consequences = consequencesOf(template)
  const listOf = (question: typeof questionOf[Consequence['code']]): Markup[] =>
    consequences.filter(({ code }) => questionOf[code] === question).map(consequence => html`<li>${name(texts.consequence(consequence))}</li>`)
  const rules = listOf('rules')
  const carries = template.ikev2 !== undefined || (template.wifi ?? []).length > 0
  return html`<section><h2>${begun ? texts.questionsLater : texts.questions}</h2><dl>
<div><dt>${texts.canRead}</dt><dd>${texts.canReadNo}${template.exchange !== undefined && ` ${texts.canReadAccount}`}${carries && ` ${texts.canReadTraffic}`}</dd></div>
<div><dt>${texts.canErase}</dt><dd>${canErase(consequences) ? texts.canEraseYes : texts.canEraseNo}</dd></div>
<div><dt>${texts.canUndo}</dt><dd>${texts.canUndoYes}</dd></div>
<div><dt>${texts.installed}</dt><dd><ul>${listOf('installed')}</ul></dd></div>
${rules.length > 0 && html`<div><dt>${texts.rules}</dt><dd><ul>${rules}</ul></dd></div>`}
<div><dt>${texts.powers}</dt><dd><ul>${listOf('powers')}<li>${texts.whatPhoneSays}</li></ul></dd></div></dl></section>`
}
