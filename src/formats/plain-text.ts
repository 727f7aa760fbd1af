/**
 * Text as people write it. What is left out cannot stand in a database (NUL, half a character), or would do something to
 * a terminal or a log in which it is shown (control characters, C0 and C1).
 */
const notPlain = /[\p{Cc}\p{Cs}\u{fffe}\u{ffff}]/u

export const isPlainLine = (text: string): boolean => !notPlain.test(text)
/** The same, with tabs and line ends. */
export const isPlainText = (text: string): boolean => isPlainLine(text.replaceAll(/[\t\r\n]/g, ' '))

export const notPlainWords = 'holds a control character, or half of one that needs two'
