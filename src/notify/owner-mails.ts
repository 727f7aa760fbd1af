/** What owners of phones are written, in every language there is. German says du, as their pages do. */
import type { Language } from '../devices/invitations.ts'

/** @property organization, displayName, contact  of the template */
export type InvitationWords = { name: string, organization: string, displayName: string, contact: string, url: string, expiresAt: Date }
type Texts = { locale: string, invitation(words: InvitationWords, until: string): string }

const texts: Readonly<Record<Language, Texts>> = {
  en: {
    locale: 'en-GB',
    invitation: ({ name, organization, displayName, contact, url }, until) => `Hello ${name},

${organization} invites you to set up your iPhone or iPad: ${displayName}.

Open this link in Safari on the phone itself:

${url}

The page says what will be installed and what ${organization} will and will
not be able to see or do. It takes about two minutes.

The link is yours alone: please do not forward it. It works until ${until}.

Something odd? ${contact}
`,
  },
  de: {
    locale: 'de-DE',
    invitation: ({ name, organization, displayName, contact, url }, until) => `Hallo ${name},

${organization} lädt dich ein, dein iPhone oder iPad einzurichten: ${displayName}.

Öffne diesen Link in Safari auf dem Telefon selbst:

${url}

Die Seite sagt, was installiert wird und was ${organization} danach sehen oder
tun kann und was nicht. Es dauert etwa zwei Minuten.

Der Link ist nur für dich: Leite ihn bitte nicht weiter. Er gilt bis ${until}.

Etwas ist seltsam? ${contact}
`,
  },
}

/** @param language  null for somebody of whom nobody knows it: they get both */
export function invitationText(words: InvitationWords, language: Language | null): string {
  const wanted = language === null ? Object.values(texts) : [texts[language]]
  return wanted.map(({ locale, invitation }) => invitation(words, new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(words.expiresAt))).join('\n- - -\n\n')
}
