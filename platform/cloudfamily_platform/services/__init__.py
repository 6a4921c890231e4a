"""What is done for elders besides alarms: visits, today; care plans and monthly visits later."""
