document.title = 'Forum'
