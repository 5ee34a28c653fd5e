document.title = 'Forum of today'
