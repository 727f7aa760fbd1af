import { de } from './texts/de.ts'
import { en, type Texts } from './texts/en.ts'

export const languages = { en, de } as const
export type Language = keyof typeof languages

const isLanguage = (tag: string): tag is Language => Object.hasOwn(languages, tag)

/**
 * The language that the browser asks for most (RFC 9110 §12.5.4), of those there are; English when it asks for none of them.
 *
 * @param header  Accept-Language; only its beginning is looked at
 */
export function languageOf(header: string | undefined): Language {
  let best: { language: Language, weight: number } = { language: 'en', weight: 0 }
  for (const part of (header ?? '').slice(0, 500).split(',')) {
    const [tag = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    const language = tag.split('-')[0]!
    const quality = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    const weight = quality === undefined ? 1 : /^[01](\.\d{1,3})?$/.test(quality) ? Number(quality) : 0
    if (isLanguage(language) && weight > best.weight) best = { language, weight }
  }
  return best.language
}

/** `8 March 2026`, as the language writes it. In UTC: nobody knows where the reader is. */
export const dayIn = ({ locale }: Texts, instant: Date): string =>
  new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(instant)
