import type { Page } from 'playwright-core'

/** What somebody would complain about who looks at the page as it is now: too wide, cut off, or one text upon another. */
export async function layoutFaults(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const { document, innerWidth, getComputedStyle, NodeFilter } = globalThis as any
    const found: string[] = []
    const root = document.documentElement
    if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth - root.clientWidth} px wider than the screen`)
    const said = (node: any): string => `“${String(node.textContent).trim().replaceAll(/\s+/g, ' ').slice(0, 50)}”`
    // What is there for screen readers only, or beneath what stays in view, is nobody's complaint.
    const ignored = (element: any): boolean => element.closest('.unseen, .skip, thead, noscript, option, [hidden], details:not([open]) > :not(summary)') !== null || !element.checkVisibility({ visibilityProperty: true })
    const sticky = (element: any): boolean => element.closest('.go, header.bar') !== null

    type Box = { node: any, left: number, right: number, top: number, bottom: number }
    const boxes: Box[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const parent = node.parentElement
      if (node.data.trim() === '' || ignored(parent)) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const within = parent.closest('.scroll, .year figure, pre')?.getBoundingClientRect()
      for (const { left, right: end, top, bottom, width } of range.getClientRects()) {
        // What can be scrolled to is seen as far as its frame.
        const right = Math.min(end, within?.right ?? end)
        if (width < 2 || right <= left) continue
        if (within === undefined && (left < -1 || right > innerWidth + 1)) found.push(`${said(node)} stands outside the screen`)
        if (!sticky(parent)) boxes.push({ node, left, right, top: top + (bottom - top) * 0.2, bottom: bottom - (bottom - top) * 0.2 })
      }
    }
    boxes.sort((a, b) => a.top - b.top)
    for (const [index, box] of boxes.entries()) {
      for (let next = index + 1; next < boxes.length && boxes[next]!.top < box.bottom; next++) {
        const other = boxes[next]!
        if (other.node !== box.node && Math.min(box.right, other.right) - Math.max(box.left, other.left) > 2) found.push(`${said(box.node)} and ${said(other.node)} lie upon each other`)
      }
    }
    for (const element of document.body.querySelectorAll('*')) {
      if (['TEXTAREA', 'INPUT', 'SELECT', 'svg'].includes(element.tagName) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml' || ignored(element)) continue
      const { overflowX, overflowY } = getComputedStyle(element)
      const cut = ['hidden', 'clip']
      if (cut.includes(overflowX) && element.scrollWidth > element.clientWidth + 1 || cut.includes(overflowY) && element.scrollHeight > element.clientHeight + 1) found.push(`${said(element)} is cut off`)
      if (['BUTTON', 'A'].includes(element.tagName) && element.scrollWidth > element.clientWidth + 2 && element.clientWidth > 0) found.push(`${said(element)} does not fit into its frame`)
    }
    return [...new Set(found)].slice(0, 8)
  })
}
