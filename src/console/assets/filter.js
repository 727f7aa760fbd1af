// Narrows a table while one types, and counts what is ticked; the page does the same by its buttons without this.
for (const input of document.querySelectorAll('[data-filter]')) {
  const table = document.getElementById(input.dataset.filter)
  if (table === null) continue
  const rows = [...table.tBodies[0].rows].map(row => ({ row, text: row.cells[0].textContent.toLowerCase() }))
  const caption = table.caption
  const narrow = () => {
    const words = input.value.trim().toLowerCase()
    let shown = 0
    for (const { row, text } of rows) {
      const fits = text.includes(words)
      row.hidden = !fits
      if (fits) shown++
    }
    caption.textContent = `${shown} ${shown === 1 ? 'model' : 'models'}`
  }
  input.addEventListener('input', narrow)
  if (input.value !== '') narrow()
}
const counter = document.getElementById('models-count')
if (counter !== null) {
  document.getElementById('models').addEventListener('change', () => {
    const ticked = document.querySelectorAll('#models input:checked').length
    counter.textContent = ticked === 0 ? '' : `${ticked} ticked`
  })
}
