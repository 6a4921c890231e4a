from cloudfamily.cli import main

main()
